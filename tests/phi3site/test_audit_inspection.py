"""Text as an auditor sees it: inert, nothing hidden."""

import pytest

from phi3site.audit.templatetags.inspection import hidden_count, short, visible


@pytest.mark.parametrize(
    ("character", "code"),
    [
        ("\u200b", "U+200B"),  # zero width
        ("\u202e", "U+202E"),  # right-to-left override
        ("\U000e0041", "U+E0041"),  # tags block
        ("\ufeff", "U+FEFF"),
        ("\x00", "U+0000"),
        ("\xa0", "U+00A0"),
        ("\ufe0f", "U+FE0F"),
        ("\u3164", "U+3164"),
        ("\ue000", "U+E000"),
    ],
)
def test_character_that_nobody_sees_is_shown_by_its_number(character, code):
    assert f">{code}</span>" in visible(f"a{character}b")
    assert hidden_count(f"a{character}b") == 1


def test_name_of_the_character_is_on_hover():
    assert 'title="ZERO WIDTH SPACE"' in visible("\u200b")


def test_ordinary_text_stays_as_it_is():
    text = "Grüße aus 東京,\n\tteil 2 — 5 €"
    assert visible(text) == text
    assert hidden_count(text) == 0


def test_markup_is_inert():
    shown = visible("<script>alert(1)</script>&\u200b")
    assert "<script>" not in shown
    assert shown.startswith("&lt;script&gt;")


def test_values_that_are_not_text_are_shown_too():
    assert visible(None) == "None"
    assert visible(3) == "3"


def test_hash_is_short_enough_for_eyes():
    assert short("ab" * 32) == "ab" * 6
