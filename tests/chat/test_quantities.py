"""Figures with what they count, codes, and sizes that are names."""

import pytest

from chat.quantities import designations, figures


def read(text):
    return [(figure.value, figure.kind) for figure in figures(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("24 months", [("24", "month")]),
        ("a 24-month term", [("24", "month")]),
        ("three months or 500 hours", [("3", "month"), ("500", "hour")]),
        ("24 or 36 months", [("24", "month"), ("36", "month")]),
        ("€12,740.50 and 12740.5 EUR", [("12740.5", "euro"), ("12740.5", "euro")]),
        ("60 °C, 60 per cent, 60 %", [("60", "c"), ("60", "percent"), ("60", "percent")]),
        ("25g", [("25", "g")]),
        ("SK-22", [("sk-22", "code sk")]),
        ("at 14:00 on 4 March 1987", [("14:00", "point"), ("1987-03-04", "point")]),
        ("software 3.2.4", [("3.2.4", "point")]),
        ("The Heron 80 needs it", []),
    ],
)
def test_a_figure_knows_what_it_counts(text, found):
    assert read(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Heron 40, 80 and 120", {"heron 40", "heron 80", "heron 120"}),
        ("The Heron 80 takes 25 g", {"heron 80"}),
        ("Within 21 days", set()),
        ("Weighs 80 kg", set()),
        ("Price 48.00", set()),
        ("March 2026", set()),
    ],
)
def test_sizes_belong_to_their_products(text, found):
    assert designations(text) == found
