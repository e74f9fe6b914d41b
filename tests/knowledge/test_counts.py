"""One is told as one, many as many, with marks in large numbers."""

import pytest

from knowledge.counts import beyond_table, counted


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (1, "1 picture was not read."),
        (2, "2 pictures were not read."),
        (0, "0 pictures were not read."),
        (12345, "12,345 pictures were not read."),
    ],
)
def test_number_and_verb_agree(count, told):
    assert counted(count, "{} picture was not read.", "{} pictures were not read.") == told


def test_cells_of_a_table_that_is_too_large():
    assert beyond_table(1) == "1 cell beyond the largest possible table was not read."
    assert beyond_table(2000) == "2,000 cells beyond the largest possible table were not read."
