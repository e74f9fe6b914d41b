"""Questions in plain words, exact answers, and silence where nothing is certain."""

import pytest

from knowledge.exact.answering import compute
from knowledge.retrieval import retrieve
from tests.knowledge.exact.conftest import PUMPS

pytestmark = pytest.mark.django_db

RIGHT = [
    ("How many pumps are from Italy?", ["3"]),
    ("How many pumps are not from Italy?", ["2"]),
    ("How many pumps have a weight of more than 90?", ["3"]),
    ("How many different countries are there?", ["3"]),
    ("How many pumps are there?", ["5"]),
    ("What is the total price?", ["4850"]),
    ("What is the average weight of pumps from Italy?", ["126.666667"]),
    ("Which pump has the highest price?", ["Stork"]),
    ("Which pump is the cheapest?", ["Ibis"]),
    ("What is the lowest weight?", ["60"]),
    ("Which pump has the highest rank?", ["Egret"]),
    ("Which country has the most pumps?", ["Italy"]),
    ("What is the weight of the Crane?", ["95"]),
    ("How much does the Crane weigh?", ["95"]),
    ("How heavy is the Ibis?", ["60"]),
    ("When was the Stork launched?", ["2018-01-15"]),
    ("Which pump was launched in 2016?", ["Egret"]),
    ("What is the next pump listed after Stork?", ["Crane"]),
    ("Which pump is listed before Egret?", ["Heron"]),
    ("What is the last pump listed?", ["Ibis"]),
    ("What is the difference in price between Heron and Ibis?", ["250"]),
    ("Which pump has more weight, Heron or Crane?", ["Heron"]),
    ("Which pump has the same country as Heron?", ["Stork", "Ibis"]),
]


def test_questions_of_every_kind_are_answered_exactly(ask):
    assert [(question, ask(question)) for question, _ in RIGHT] == RIGHT


UNSURE = [
    "How many pumps are from Norway?",
    "What is the weight of the Penguin?",
    "Which pump is the most beautiful?",
    "What is the weight of pumps from Italy?",
    "Which pump should I buy?",
    "How many pumps were sold in Italy last year?",
    "How many pumps with 3 seals are from Italy?",
    "Why is the Stork so heavy?",
    "Is the Heron heavier than the Crane and the Ibis together?",
    "",
    "?" * 200,
    "the the the",
]


def test_what_is_not_certain_is_not_answered(ask):
    assert [question for question in UNSURE if ask(question)] == []


def test_a_word_that_most_cells_hold_marks_none_of_them(ask):
    towns = ("Athens", "Lund", "Oslo", "Porto", "Bremen", "Kiel")
    rows = "".join(f"{town} film festival,{town}\n" for town in towns)
    text = f"Event,Town\n{rows}Open day,Kiel\n"
    assert ask("How many events are film festivals?", text) is None
    fewer = text.replace("Lund film festival", "Fair").replace("Oslo film festival", "Market")
    assert ask("How many events are film festivals?", fewer) == ["4"]


def test_a_tie_is_not_decided(ask):
    text = PUMPS.replace("Crane,95,", "Crane,200,")
    assert ask("Which pump has the highest weight?", text) is None


def test_cells_of_another_kind_forbid_sums_and_averages(ask):
    text = PUMPS.replace('"1,100"', "on demand")
    assert ask("What is the total price?", text) is None
    assert ask("Which pump has the highest price?", text) == ["Stork"]


@pytest.mark.parametrize(
    "value",
    ["'; DROP TABLE knowledge_tablerow; --", '") OR 1=1', "%s", "a % b", "\\", "{0}", "“x” 'y'"],
)
def test_values_and_names_of_any_spelling_are_data(ask, value):
    quoted = value.replace('"', '""')
    text = f'Part,"{quoted} (kg)","{quoted}"\nAlpha,1,"{quoted}"\nBeta,2,x\nGamma,4,y\n'
    assert ask("Which part is listed after Alpha?", text) == ["Beta"]
    assert ask("How many parts are there?", text) == ["3"]


class TestCompute:
    @pytest.fixture
    def found(self, ingested, bob):
        ingested(PUMPS, "pumps.csv")
        ingested("# Holidays\n\nYou have 28 days of holiday.", "holidays.md")

        def found(question, user=bob, **options):
            return retrieve(question, user=user, collections=None, **options)

        return found

    def test_the_computed_passage_comes_first_and_says_how(self, found):
        first, *others = found("How many pumps are from Italy?").passages
        assert first.kind == "computed" and others
        assert first.text.startswith(
            "Computed from the table “pumps”: number of rows where Country is “Italy” = 3.\n"
            "Row 1: Pump: Heron; Weight (kg): 120; Country: Italy"
        )
        how = first.computation
        assert (how["kind"], how["result"], how["numbers"]) == ("count", ["3"], [1, 3, 5])
        assert how["sql"] == """SELECT count(*) FROM "pumps" WHERE "Country" = ANY('{Italy}')"""
        assert how["rows"][1][:2] == [3, "Stork"]
        assert (first.row_from, first.row_to, first.version_number) == (1, 5, 1)

    def test_it_takes_one_of_the_places(self, found):
        assert len(found("How many pumps are from Italy?", limit=2).passages) == 2

    def test_other_questions_are_left_to_the_passages(self, found):
        kinds = {passage.kind for passage in found("How many days of holiday?").passages}
        assert "computed" not in kinds

    def test_who_may_not_read_the_document_gets_nothing(self, found, bob, mallory):
        question = "How many pumps are from Italy?"
        passages = found(question).passages
        assert found(question, user=mallory).passages == []
        assert compute(question, passages, user=mallory) is None
        assert compute(question, passages, user=bob) is not None

    def test_two_tables_that_answer_differently_are_a_doubt(self, found, ingested):
        ingested(PUMPS.replace("Heron,120,Italy", "Gull,130.0,Spain"), "old-pumps.csv")
        passages = found("How many pumps are from Italy?").passages
        assert all(passage.computation is None for passage in passages)
        agreed = found("What is the weight of the Stork?").passages[0]
        assert agreed.computation["result"] == ["200"]

    def test_without_a_value_of_the_table_its_title_must_be_meant(self, found, ingested):
        ingested(PUMPS.replace("Pump,", "Machine,"), "stock-list.csv")
        assert found("What is the lowest weight?").passages[0].computation is None
        named = found("What is the lowest weight in the stock list?").passages[0]
        assert named.computation["result"] == ["60"]


PARTS = """Part number,Description,Machine,Price EUR,Lead time days
SK-17,Shaft seal kit,Heron 40,86.50,3
IM-17,Impeller,Heron 40,212,14
SU-75,Screw unit,Osprey 75,9800,60
GS-1,Gasket set,Heron 40,12,3
GS-1,Gasket set,Osprey 75,12,3
"""
SERVICES = """Service,Unit,Price EUR
Express delivery of parts,order,48
Standard delivery of parts,order,14
First start,machine,390
Vibration report,machine,275
"""
MACHINES = """Model,Price EUR,Delivery weeks
Heron 40,4200,6
Osprey 75,36900,9
Bittern 6,1290,10
"""
INCIDENTS = """incident_id,date,site,class,lost_days
IL-1,2024-11-02,Stennick,A,0
IL-2,2025-01-09,Kellerby,D,4
IL-3,2025-02-04,Stennick,B,12
IL-4,2025-06-11,Ruhlau,B,1
"""
COURSES = """Code,Title,Place,Price EUR
T-1,First aid,Kellerby,0
T-2,Lifting gear,Stennick,300
T-3,Team lead,Stennick,900
"""
# Each would be answered wrongly by a table that knows some of its words.
ACROSS = [
    ("How many spare parts are there?", ["5"]),
    ("How many spare parts cost more than 100 euros?", ["2"]),
    ("What is the average price of spare parts?", ["2024.5"]),
    ("Which spare part is the most expensive?", ["SU-75"]),
    ("Which spare part is the least expensive?", None),
    ("List the two most expensive spare parts.", ["SU-75", "IM-17"]),
    ("Which part has the longest lead time?", ["SU-75"]),
    ("What does the seal kit SK-17 cost?", ["86.50"]),
    ("What is the cheapest machine?", ["Bittern 6"]),
    ("Which machine has the highest price?", ["Osprey 75"]),
    ("How many machines have a delivery time of more than 8 weeks?", ["2"]),
    ("How many services cost less than 100 EUR?", ["2"]),
    ("How many incidents happened in 2025?", ["3"]),
    ("How many incidents of class B were there?", ["2"]),
    ("How many incidents of class A were there?", ["1"]),
    ("How many lost days were there in total?", ["17"]),
    ("How many courses take place in Stennick?", ["2"]),
    ("How many parties take place in Stennick?", None),
    ("How many broken parts are there?", None),
    ("How many people work in Stennick?", None),
    ("What is the highest pressure of the Osprey 75?", None),
]


def test_among_many_tables_the_one_that_is_meant_answers(ingested, bob):
    files = {
        "spare-parts.csv": PARTS,
        "services.csv": SERVICES,
        "machines.csv": MACHINES,
        "incident-log.csv": INCIDENTS,
        "courses.csv": COURSES,
    }
    for name, text in files.items():
        ingested(text, name)

    def told(question):
        first = retrieve(question, user=bob, collections=None).passages[0]
        return first.computation and first.computation["result"]

    assert [(question, told(question)) for question, _ in ACROSS] == ACROSS


def test_one_row_among_very_many_is_found_by_its_name(ingested, bob):
    rows = "".join(f"A-{n},{n / 4:.2f},Hall {n % 7}\n" for n in range(1, 6_001))
    ingested(f"Pump,Weight (kg),Hall\n{rows}", "pumps.csv")
    first = retrieve("What does pump A-4170 weigh?", user=bob, collections=None).passages[0]
    assert first.computation["result"] == ["1042.50"]
    assert (first.row_from, first.row_to) == (4170, 4170)
    assert first.computation["rows"] == [[4170, "A-4170", "1042.50", "Hall 5"]]
