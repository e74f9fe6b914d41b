"""A figure is believed in its own row, column and part of a sentence, and nowhere else."""

import numpy as np
import pytest

from chat.attribution import Source, attribute

RECORDS = (
    "Interval: 4,000 hours; Work: oil and filter; Osprey 37: 14 litres, OF-37; "
    "Osprey 75: 27 litres, OF-75; Minutes: 75\n"
    "Interval: 8,000 hours; Work: separator cartridge; Osprey 37: SC-37; "
    "Osprey 75: SC-75; Minutes: 90"
)
HEADER = ("Part", "Stock", "Minimum stock", "Price EUR", "Delivery weeks")
VALUES = (("Anchor bolt", "36", "6", "16.00", "3"), ("Wall lamp", "12", "4", "48.50", "2"))
MARKDOWN = "\n".join(f"| {' | '.join(line)} |" for line in (HEADER, ("---",) * 5, *VALUES))
SPACED = "\n".join("  ".join(line) for line in (HEADER, *VALUES))
FLAT = "Model Flow Price\nHeron 40 42 4380\nHeron 80 84 5160"
# Nobody can tell whether "Price EUR" is one column or two.
RAGGED = "Model Flow Price EUR\nHeron 40 42 4380\nHeron 80 84 5160"
PROSE = (
    "The seal kit is SK-17 for the Heron 40, SK-22 for the Heron 80 and SK-29 for the Heron 120. "
    "Pumps are covered for 24 months. Wear parts are covered for three months. "
    "The Heron 40, 80 and 120 run at 2,900 rpm. "
    "Measured since revision 8, the voltage was 71 volts. Press for 5 to 9 seconds."
)


def encode(texts):
    """To this encoder everything means the same: words and figures alone decide."""
    return np.ones((len(texts), 1), dtype=np.float32)


def verdict(sentence, text, question="", context="Service"):
    source = Source(1, text, context)
    (found,) = attribute(sentence, (source,), encode=encode, question=question)
    return found.verdict


TRUE = [
    ("The oil and filter of the Osprey 37 take 14 litres at 4,000 hours.", RECORDS),
    ("The oil and filter of the Osprey 75 take 27 litres.", RECORDS),
    ("The work on the separator cartridge takes 90 minutes.", RECORDS),
    ("The price of the anchor bolt is 16 euro.", MARKDOWN),
    ("The minimum stock of the wall lamp is 4.", MARKDOWN),
    ("The stock of the anchor bolt is 36.", SPACED),
    ("The delivery of the wall lamp takes 2 weeks.", SPACED),
    ("The price of the Heron 80 is 5,160.", FLAT),
    ("The flow of the Heron 40 is 42.", FLAT),
    ("The seal kit for the Heron 80 is SK-22.", PROSE),
    ("Wear parts are covered for 3 months.", PROSE),
    ("The Heron 80 runs at 2,900 rpm.", PROSE),
    ("Press for 5 seconds.", PROSE),
]
OTHER_COLUMN = [
    ("The oil and filter of the Osprey 75 take 14 litres.", RECORDS),
    ("The work on oil and filter takes 27 minutes.", RECORDS),
    ("The price of the anchor bolt is 3 euro.", MARKDOWN),
    ("The minimum stock of the wall lamp is 12.", MARKDOWN),
    ("The stock of the anchor bolt is 6.", SPACED),
    ("The delivery of the wall lamp takes 4 weeks.", SPACED),
    ("The price of the Heron 80 is 84.", FLAT),
    ("The flow of the Heron 40 is 42.", RAGGED),
]
OTHER_ROW = [
    ("The work on the separator cartridge takes 75 minutes.", RECORDS),
    ("The price of the anchor bolt is 48.50 euro.", MARKDOWN),
    ("The stock of the anchor bolt is 12.", SPACED),
    ("The price of the Heron 80 is 4,380.", FLAT),
]
OTHER_PART = [
    ("The seal kit for the Heron 80 is SK-17.", PROSE),
    ("The seal kit for the Heron 120 is SK-22.", PROSE),
    ("Wear parts are covered for 24 months.", PROSE),
    ("Pumps are covered for three months.", PROSE),
    ("The voltage was 8 volts.", PROSE),
]


@pytest.mark.parametrize(("sentence", "text"), TRUE)
def test_a_figure_in_its_place_is_supported(sentence, text):
    assert verdict(sentence, text) == "supported"


@pytest.mark.parametrize(("sentence", "text"), [*OTHER_COLUMN, *OTHER_ROW, *OTHER_PART])
def test_a_figure_from_another_place_is_not(sentence, text):
    assert verdict(sentence, text) != "supported"


def test_a_terse_answer_is_held_to_the_column_that_was_asked_for():
    question = "What is the minimum stock of the anchor bolt?"
    assert verdict("6.", MARKDOWN, question) == "supported"
    assert verdict("36.", MARKDOWN, question) != "supported"


def test_the_number_of_a_section_supports_nothing_but_a_code_in_a_title_does():
    text = "The panel shows codes. New hoses are fitted by the service."
    assert verdict("The panel shows 5 codes.", text, context="5 Codes") != "supported"
    sentence = "New hoses are fitted by the service under SB-26-04."
    assert verdict(sentence, text, context="Bulletin SB-26-04") == "supported"
