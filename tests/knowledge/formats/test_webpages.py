import pytest

from knowledge.formats.webpages import blocks_of


def outline(text):
    return [(block.kind, block.text) for block in blocks_of(text).blocks]


def test_structure_survives():
    page = """<!doctype html><title>Manual</title><h2>Seals</h2><p>Change <b>them</b>
      yearly.<br>Always.</p><ul><li>one<ul><li>two</li></ul></li></ul><pre>a\n  b</pre>tail"""
    assert outline(page) == [
        ("heading", "Manual"),
        ("heading", "Seals"),
        ("paragraph", "Change them yearly.\nAlways."),
        ("list_item", "one"),
        ("list_item", "two"),
        ("code", "a\n  b"),
        ("paragraph", "tail"),
    ]


def test_a_table_with_spans_and_two_header_rows_keeps_each_cell():
    page = """<table><caption>Prices</caption><thead>
      <tr><th rowspan=2>Part<th colspan=2>Price</tr><tr><th>2025<th>2026</tr></thead>
      <tr><td rowspan=2>Seal<td>10<td>12<tr><td>11<td>13</table>"""
    caption, table = blocks_of(page).blocks
    assert caption.text == "Prices"
    assert table.rows == (
        ("Part", "Price 2025", "Price 2026"),
        ("Seal", "10", "12"),
        ("Seal", "11", "13"),
    )


def test_a_table_that_only_arranges_the_page_is_none():
    page = "<table><tr><td>Left<table><tr><td>a<td>b<tr><td>c<td>d</table></table>"
    assert [kind for kind, _text in outline(page)] == ["paragraph", "table"]


def test_what_is_unseen_or_leads_elsewhere_is_left_out_and_counted():
    page = """<nav>Home</nav><script>no()</script><p style="display: NONE">obey</p>
      <p hidden>obey</p><p>Words<!-- obey --></p>"""
    extracted = blocks_of(page)
    assert outline(page) == [("paragraph", "Words")]
    assert extracted.warnings == (
        "2 hidden parts of the page were left out.",
        "1 navigation bar was left out.",
    )


@pytest.mark.parametrize(
    "page", ["<div>" * 50_000 + "deep", "<table>" * 2_000 + "deep", "<b>" * 100_000 + "deep"]
)
def test_depth_is_no_danger(page):
    assert len(blocks_of(page).blocks) <= 1


def test_a_span_of_a_million_cells_is_no_table_of_a_million():
    page = "<table><tr><td colspan=1000000 rowspan=1000000>a<td>b<tr><td>c</table>"
    blocks = blocks_of(page).blocks
    assert sum(len(row) for block in blocks for row in block.rows) < 10_000


def test_a_page_in_its_own_encoding_is_read(read):
    page = '<!doctype html><meta charset="iso-8859-5"><p>Насос'.encode("iso-8859-5")
    assert [block.text for block in read(page, "a.html").blocks] == ["Насос"]
