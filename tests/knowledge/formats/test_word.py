import io

import docx
import pytest

from knowledge.errors import ExtractionFailed
from tests.knowledge.formats.conftest import package, paragraph, word_file

NUMBERING = """
<w:abstractNum w:abstractNumId="7">
  <w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl>
  <w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/>
    <w:lvlText w:val="%1.%2)"/></w:lvl>
</w:abstractNum>
<w:num w:numId="3"><w:abstractNumId w:val="7"/></w:num>
"""


def numbered(text, level=0, list_id=3):
    marks = f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{list_id}"/></w:numPr>'
    return paragraph(text, marks)


def saved(document):
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def test_headings_stand_below_the_title_and_lists_are_items(read):
    document = docx.Document()
    document.add_heading("Leave policy", 0)
    document.add_heading("Holiday", 1)
    document.add_paragraph("You have 28 days.")
    document.add_paragraph("Ask your manager", style="List Bullet")
    blocks = read(saved(document), "a.docx").blocks
    assert [(b.kind, b.level, b.text) for b in blocks] == [
        ("heading", 1, "Leave policy"),
        ("heading", 2, "Holiday"),
        ("paragraph", 0, "You have 28 days."),
        ("list_item", 0, "Ask your manager"),
    ]


def test_numbers_that_word_only_shows_are_in_the_text(outline):
    body = numbered("Open") + numbered("the lid", 1) + numbered("the valve", 1) + numbered("Close")
    found = outline(word_file(body, numbering=NUMBERING), "a.docx")
    texts = ["1. Open", "1.a) the lid", "1.b) the valve", "2. Close"]
    assert found == [("list_item", text) for text in texts]


def test_a_list_may_start_anew(outline):
    again = '<w:num w:numId="4"><w:abstractNumId w:val="7"/><w:lvlOverride w:ilvl="0">'
    again += '<w:startOverride w:val="1"/></w:lvlOverride></w:num>'
    body = numbered("a") + numbered("b") + numbered("c", list_id=4)
    found = outline(word_file(body, numbering=NUMBERING + again), "a.docx")
    assert [text for _kind, text in found] == ["1. a", "2. b", "1. c"]


def test_a_table_keeps_its_cells_and_joins_a_header_of_two_rows(read):
    document = docx.Document()
    table = document.add_table(4, 3)
    rows = (("Part", "Price", ""), ("", "2025", "2026"), ("Seal", "10", "12"), ("Oil", "3", "4"))
    for cell, text in zip(table._cells, (text for row in rows for text in row), strict=True):
        cell.text = text
    table.cell(0, 0).merge(table.cell(1, 0))
    table.cell(0, 1).merge(table.cell(0, 2))
    (block,) = read(saved(document), "a.docx").blocks
    assert block.rows == (
        ("Part", "Price 2025", "Price 2026"),
        ("Seal", "10", "12"),
        ("Oil", "3", "4"),
    )


def test_what_was_deleted_hidden_or_remarked_is_left_out_and_counted(read):
    run = "<w:r><w:rPr><w:vanish/></w:rPr><w:t>secret</w:t></w:r>"
    gone = '<w:del w:id="1"><w:r><w:delText>old</w:delText></w:r></w:del>'
    kept = '<w:ins w:id="2"><w:r><w:t> new</w:t></w:r></w:ins>'
    body = f"<w:p><w:r><w:t>Pay</w:t></w:r>{run}{gone}{kept}</w:p>"
    extracted = read(word_file(body, comments='<w:comment w:id="0"/>'), "a.docx")
    assert [block.text for block in extracted.blocks] == ["Pay new"]
    assert extracted.warnings == (
        "1 passage that was deleted with tracked changes: left out.",
        "1 piece of hidden text was left out.",
        "1 comment was left out.",
    )


def test_notes_margins_and_text_boxes_are_read(outline):
    note = '<w:footnote w:id="2">' + paragraph("Since 2024.") + "</w:footnote>"
    box = f"<w:r><w:drawing><w:txbxContent>{paragraph('Beside')}</w:txbxContent></w:drawing></w:r>"
    body = "<w:p><w:r><w:t>Valid</w:t></w:r><w:r><w:footnoteReference w:id='2'/></w:r>"
    body += f"{box}</w:p>" + paragraph("End")
    header = paragraph("Manual, revision 7")
    assert outline(word_file(body, footnotes=note, header=header), "a.docx") == [
        ("paragraph", "Page header: Manual, revision 7"),
        ("paragraph", "Valid"),
        ("paragraph", "Note: Since 2024."),
        ("paragraph", "Beside"),
        ("paragraph", "End"),
    ]


def test_a_text_box_that_is_stored_twice_is_read_once(outline):
    choice = f"<w:txbxContent>{paragraph('Once')}</w:txbxContent>"
    body = f'<w:p><w:r><mc:AlternateContent xmlns:mc="x"><mc:Choice>{choice}</mc:Choice>'
    body += f"<mc:Fallback>{choice}</mc:Fallback></mc:AlternateContent></w:r></w:p>"
    assert outline(word_file(body), "a.docx") == [("paragraph", "Once")]


@pytest.mark.parametrize(("depth", "is_whole"), [(500, True), (5_000, False)])
def test_depth_is_no_danger_and_what_it_hides_is_said(read, depth, is_whole):
    deep = "<w:sdt><w:sdtContent>" * depth + paragraph("deep") + "</w:sdtContent></w:sdt>" * depth
    extracted = read(word_file(paragraph("first") + deep), "a.docx")
    assert [block.text for block in extracted.blocks] == ["first", "deep"][: 1 + is_whole]
    assert ["may be missing" in warning for warning in extracted.warnings] == [True] * (
        not is_whole
    )


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ('<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;">]><a>&d;</a>', "xml_entities"),
        ("", "file_damaged"),
    ],
)
def test_xml_that_harms_or_is_none_is_refused(read, document, code):
    parts = {"[Content_Types].xml": "<Types/>", "word/document.xml": document}
    with pytest.raises(ExtractionFailed) as error:
        read(package(parts), "a.docx")
    assert error.value.code == code
