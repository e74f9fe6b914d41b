"""Tables of an invented company, asked in plain words."""

import pytest

from knowledge.exact.answering import ask_table

PUMPS = """Pump,Weight (kg),Country,Launched,Price (€),Rank
Heron,120,Italy,2015-03-01,900,2nd
Egret,80,Spain,2016-05-01,700,1st
Stork,200,Italy,2018-01-15,1500,3rd
Crane,95,France,2019-07-30,"1,100",5th
Ibis,60,Italy,2021-02-10,650,4th
Total,555,,,"4,850",
"""


@pytest.fixture
def table(ingested):
    """The first table of a file's version."""

    def table(text=PUMPS, name="pumps.csv"):
        version = ingested(text, name)
        return version.tables.select_related("version__document").get()

    return table


@pytest.fixture
def ask(table):
    """What a table answers: its values, or None."""
    made = {}

    def ask(question, text=PUMPS):
        if text not in made:
            made[text] = table(text, f"table-{len(made)}.csv")
        found = ask_table(question, made[text])
        return found and found.values

    return ask
