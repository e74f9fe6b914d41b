import gc

from knowledge.blocks import Column, Row, TableData
from knowledge.rowfiles import read_table, write_table

ROWS = (Row(("A", "1"), (None, 1), is_hidden=True), Row(("B\n", "é"), (None, None), False, True))


def test_rows_come_back_again_and_again_also_when_their_file_is_gone(tmp_path):
    table = TableData("Parts", (Column("Part", "text", "kg", {"top": []}),), ROWS, True, 7)
    again = read_table(write_table(table, tmp_path, "rows-0.jsonl"), tmp_path)
    (tmp_path / "rows-0.jsonl").unlink()
    gc.collect()
    assert (len(again.rows), tuple(again.rows), tuple(again.rows)) == (2, ROWS, ROWS)
    assert (again.name, again.columns, again.is_hidden, again.unread_rows) == (
        *("Parts", table.columns),
        *(True, 7),
    )


def test_a_name_can_not_lead_out_of_the_folder(tmp_path):
    data = write_table(TableData("x", (), ROWS), tmp_path, "rows-0.jsonl")
    assert len(read_table({**data, "file": "../../rows-0.jsonl"}, tmp_path).rows) == 2
