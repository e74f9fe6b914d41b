"""The page of a sheet's document."""

from tests.knowledge.tables.conftest import workbook


def page(client, version, **asked):
    return client.get(f"/documents/{version.pk}/", asked).content.decode()


def hide(book):
    book["Prices"].row_dimensions[4].hidden = True
    book["Costs"].sheet_state = "hidden"


SHEETS = {
    "Prices": [("Part", "Price (€)"), ("Seal kit", 12.5), ("Bearing", 40), ("Gasket", "on demand"),
               ("Nut", 1), ("Bolt", 1), ("Ring", 2), ("Total", 56.5)],
    "Costs": [("Part", "Cost"), ("Seal kit", 7), ("Bearing", 9)],
}  # fmt: skip


def test_columns_show_types_units_and_what_is_in_them(as_user, bob, ingested):
    shown = page(as_user(bob), ingested(workbook(hide, **SHEETS), "prices.xlsx"))
    assert "decimal in €<br>1 – 56.5<br>6 different<br>1 of another kind" in shown
    assert "7 rows, 2 columns" in shown


def test_hidden_rows_totals_and_hidden_sheets_are_marked(as_user, bob, ingested):
    version = ingested(workbook(hide, **SHEETS), "prices.xlsx")
    shown = page(as_user(bob), version)
    assert shown.count('<span class="badge badge-warn">hidden</span>') == 1
    assert shown.count('<span class="badge">total</span>') == 1
    assert "<strong>hidden sheet</strong>" in page(as_user(bob), version, table=1)


def test_named_rows_are_lit_up_also_when_they_lie_apart(as_user, bob, ingested):
    rows = [("Part", "Price"), *((f"P-{n}", n) for n in range(1, 251))]
    version = ingested(workbook(Prices=rows), "prices.xlsx")
    shown = page(as_user(bob), version, rows="203,205-206,249")
    lit = [n for n in range(201, 251) if f'id="row-{n}" class="is-kept"' in shown]
    assert lit == [203, 205, 206, 249] and 'id="row-200"' not in shown


def test_a_passage_turns_to_its_sheet_and_rows(as_user, bob, ingested):
    version = ingested(workbook(hide, **SHEETS), "prices.xlsx")
    chunk = version.chunks.get(kind="row", headings=["Costs (hidden sheet)"], row_from=2)
    shown = page(as_user(bob), version, chunk=chunk.pk)
    assert 'id="row-2" class="is-kept"' in shown and "Cost<span" in shown


def test_rows_that_were_not_read_are_told(as_user, bob, ingested):
    version = ingested("part,price\nA,1\nB,2\n", "prices.csv")
    version.tables.update(unread_rows=31)
    assert "31 more rows of this sheet were not read" in page(as_user(bob), version)
    assert "not read" not in page(as_user(bob), ingested("a,b\nx,1\n", "other.csv"))
