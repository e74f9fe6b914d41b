import pytest


@pytest.mark.parametrize(
    ("first", "names"),
    [
        ("Name,2019,2020", ["Name", "2019", "2020"]),
        ("Score,Score,Name", ["Score", "Score (2)", "Name"]),
        (",Total", ["Column 1", "Total"]),
        ("Name,5,7", ["Column 1", "Column 2", "Column 3"]),
        ("2019,2020,2021", ["Column 1", "Column 2", "Column 3"]),
    ],
)
def test_a_header_is_words_or_years_above_rows(read_table, first, names):
    table = read_table(f"{first}\nA,1,2\nB,3,4\n" if first.count(",") == 2 else f"{first}\nA,1\n")
    assert [column.name for column in table.columns] == names


@pytest.mark.parametrize("word", ["Total", "Totals:", "Grand total", "Average"])
def test_a_last_row_that_sums_up_is_marked(read_table, word):
    table = read_table(f"Part,Sold\nA,1\nB,2\nC,4\n{word},7\n")
    assert [row.is_total for row in table.rows] == [False, False, False, True]


def test_total_in_the_middle_is_a_name(read_table):
    table = read_table("Company,Sold\nTotal,1\nShell,2\nAgip,4\nEsso,7\n")
    assert not any(row.is_total for row in table.rows)


def test_a_title_above_the_header_is_a_note(read):
    extracted = read("Stock list 2026\nPart,Stock,Box\nA,1,4\nB,2,5\n")
    assert [block.text for block in extracted.blocks] == ["Stock list 2026"]
    assert len(extracted.tables[0].rows) == 2
