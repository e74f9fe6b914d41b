from datetime import date

import pytest

from knowledge.days import named_day

FIRST_OF_MARCH = date(2025, 3, 1)


@pytest.mark.parametrize(
    "question",
    [
        "What was the rate as of 1 March 2025?",
        "As of March 1, 2025, what was the rate?",
        "the rate as at 1st of March 2025",
        "rate as of the 1st of Mar. 2025",
        "rate as of 2025-03-01",
        "rate as of 01.03.2025?",
        "Which rules were in force on March 1st 2025?",
        "rules as of March 2025",
        "Preisliste, Stand 1.3.2025",
    ],
)
def test_words_that_ask_for_a_day_name_it(question):
    assert named_day(question) == FIRST_OF_MARCH


@pytest.mark.parametrize(
    "question",
    [
        "What happened on 1 March 2025?",
        "The report of 2025-03-01",
        "as of 31 February 2025",
        "as of 2025-13-01",
        "as of version 3",
        "as of Mayor 2025",
        "",
    ],
)
def test_other_dates_ask_for_nothing(question):
    assert named_day(question) is None
