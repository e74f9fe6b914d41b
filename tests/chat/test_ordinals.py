"""The second one is the second of what was said, and of nothing else."""

import pytest

from chat.ordinals import items_of, pointed_at

LIST = "There are three kits:\n\n- SK-17 for the Heron 40\n- SK-22 for the Heron 80\n- SK-29\n"
ROWS = "Part: Seal; Price: 48\nPart: Ring; Price: 12"
QUOTES = "Seals wear out.\n\nRings last longer [2]."
SENTENCE = "Wear parts are shaft seals, wear rings and diaphragms. They cost little."


@pytest.mark.parametrize(
    ("question", "said", "item"),
    [
        ("What does the second one cost?", LIST, "SK-22 Heron 80"),
        ("And the last one?", LIST, "SK-29"),
        ("Tell me about the first of these.", LIST, "SK-17 Heron 40"),
        ("And the second?", ROWS, "Part Ring Price 12"),
        ("How long does the latter last?", QUOTES, "Rings last longer 2"),
        ("Is the third one covered?", SENTENCE, "diaphragms"),
        ("Is the second one covered?", SENTENCE, "wear rings"),
        ("What does step 2 say?", "1. Open it.\n2. Close it.", ""),
        ("What about the 2nd step?", "1. Open it.\n2. Close it.", "Close"),
        ("What does the fifth one cost?", LIST, ""),
        ("Where is the first aid box?", LIST, ""),
        ("What did the last audit cost?", LIST, ""),
        ("What does the second one cost?", "It costs 48 euros.", ""),
        ("What does the second one cost?", "", ""),
    ],
)
def test_an_item_is_found_by_its_place(question, said, item):
    assert pointed_at(question, said) == item


@pytest.mark.parametrize("said", ["", "It is so.", "Black and", "One paragraph\nof two lines."])
def test_what_is_no_list_has_no_items(said):
    assert len(items_of(said)) < 2
