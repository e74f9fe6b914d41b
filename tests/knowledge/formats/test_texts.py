import pytest

from knowledge.texts import decode
from tests.knowledge.formats.conftest import package

ODT = """<office:document-content xmlns:office="o" xmlns:text="t" xmlns:table="b"><office:body>
<text:h text:outline-level="2">Seals</text:h>
<text:p>Change<text:s/>them<text:note><text:note-body><text:p>Yearly.</text:p></text:note-body>
</text:note> now.</text:p>
<text:list><text:list-item><text:p>gloves</text:p></text:list-item></text:list>
<table:table><table:table-header-rows><table:table-row><table:table-cell><text:p>Part</text:p>
</table:table-cell><table:table-cell><text:p>Price</text:p></table:table-cell></table:table-row>
</table:table-header-rows><table:table-row><table:table-cell><text:p>Seal</text:p>
</table:table-cell><table:table-cell><text:p>12</text:p></table:table-cell></table:table-row>
</table:table></office:body></office:document-content>"""


def test_an_open_document_keeps_its_structure(outline):
    data = package({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": ODT})
    assert outline(data, "a.odt") == [
        ("heading", "Seals"),
        ("paragraph", "Change them now."),
        ("paragraph", "Note: Yearly."),
        ("list_item", "gloves"),
        ("table", "Part | Price\nSeal | 12"),
    ]


def test_rich_text_is_read(outline):
    text = r"{\rtf1\ansi{\b Seals}\par Change them yearly.\par Gr\'f6\'dfe \u8364?\par}"
    words = " ".join(text for _kind, text in outline(text, "a.rtf"))
    assert all(part in words for part in ("Seals", "Change them yearly.", "Größe", "€"))


def test_markdown_keeps_nested_lists_tables_and_front_matter(outline):
    text = "---\nauthor: Bo\n---\n# Pump\n\n- one\n  - two\n\n|a|b|\n|-|-|\n|1|2|\n\n<b>raw</b>\n"
    assert outline(text, "a.md") == [
        ("paragraph", "author: Bo"),
        ("heading", "Pump"),
        ("list_item", "one"),
        ("list_item", "two"),
        ("table", "a | b\n1 | 2"),
        ("paragraph", "raw"),
    ]


RUSSIAN = "Насос подаёт воду под давлением, уплотнение меняют каждые четыре тысячи часов. " * 3
CHINESE = "水泵的密封件应每四千小时更换一次，并检查轴承的温度和润滑油的油位。" * 3


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Größe ist wichtig", "utf-8-sig"),
        ("Größe ist wichtig", "utf-16"),
        ("Size matters", "utf-16-le"),
        ("Size matters", "utf-16-be"),
        ("Größe ist wichtig", "utf-32"),
        ("Größe ist wichtig", "cp1252"),
        (RUSSIAN, "cp1251"),
        (CHINESE, "gb18030"),
    ],
)
def test_encodings_are_told_apart(text, encoding):
    assert decode(text.encode(encoding))[0] == text


def test_a_few_broken_bytes_do_not_change_the_encoding():
    text, warnings = decode("Größe ".encode() * 50 + b"\xff end")
    assert text.count("Größe") == 50
    assert warnings == ["1 broken character could not be read."]


def test_a_declared_encoding_that_hides_markup_is_not_believed():
    assert decode("é+ADw-script+AD4-".encode("latin-1"), hint="utf-7")[0] == "é+ADw-script+AD4-"
