import csv

import pytest

from knowledge.errors import ExtractionFailed


def shown(table):
    return [row.texts for row in table.rows]


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_a_file_is_read_by_its_own_sign(read_table, sign):
    lines = [["name", "since", "paid"], ["Anna", "2020-01-31", "yes"], ["Bo", "2021-05-01", "no"]]
    table = read_table("\n".join(sign.join(line) for line in lines))
    assert [column.type for column in table.columns] == ["text", "date", "boolean"]
    assert [row.cells for row in table.rows] == [
        (None, "2020-01-31", True),
        (None, "2021-05-01", False),
    ]


def test_rows_are_all_there_ragged_quoted_or_untyped(read):
    extracted = read('Price list\n\nid,name,price\n007,"a, ""b""\nc",1.5\n8,short\n9,x,free,more\n')
    (table,) = extracted.tables
    assert [block.text for block in extracted.blocks] == ["Price list"]
    assert shown(table) == [
        ("007", 'a, "b" c', "1.5", ""),
        ("8", "short", "", ""),
        ("9", "x", "free", "more"),
    ]
    assert [column.name for column in table.columns] == ["id", "name", "price", "Column 4"]


@pytest.mark.parametrize("odd", ["\u2028", "\x0b", "\x1c", "\x85"])
def test_no_other_sign_ends_a_row(read_table, odd):
    table = read_table(f"part,note\nA,first{odd}second\nB,third\n")
    assert len(table.rows) == 2


def test_rows_that_do_not_fit_are_counted(read, monkeypatch, tmp_path):
    from knowledge.tables import grids, read_csv

    monkeypatch.setattr(grids, "MAX_CELLS", 40)
    path = tmp_path / "a.csv"
    path.write_text("part,price\n" + "A,1\n" * 50)
    extracted = read_csv(path, "prices")
    (table,) = extracted.tables
    assert (len(table.rows), table.unread_rows) == (19, 31)
    assert extracted.warnings == ("31 rows beyond 40 cells were not read. Split the file.",)


def test_cells_beyond_the_last_column_are_counted(read):
    extracted = read("a,b\n" + ",".join("x" * 1_005) + "\n" + ",".join(["x"] * 1_005) + "\n")
    assert extracted.warnings == ("10 cells beyond column 1,000 were not read.",)


@pytest.fixture
def _own_cell_limit():
    """The limit holds for the whole process."""
    before = csv.field_size_limit()
    yield
    csv.field_size_limit(before)


@pytest.mark.usefixtures("_own_cell_limit")
def test_a_broken_cell_is_told_with_its_row(monkeypatch, tmp_path):
    from knowledge.tables import read_csv, separated

    monkeypatch.setattr(separated, "LONGEST_CELL", 10)
    path = tmp_path / "a.csv"
    path.write_text("part,note\nA,short\nB,much too long for this\n")
    with pytest.raises(ExtractionFailed, match="Row 3"):
        read_csv(path, "notes")


def test_invisible_characters_are_taken_out_of_cells_and_counted(read):
    extracted = read("part,note\nA,se\u200bcret\nB,plain\n")
    assert shown(extracted.tables[0])[0] == ("A", "secret")
    assert extracted.warnings == ("1 invisible character was left out.",)
