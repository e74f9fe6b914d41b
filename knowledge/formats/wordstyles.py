"""The paragraph styles of a Word file: which are headings, which are lists.

Style ids differ by language, names don't. Knows no paragraph.
"""

from dataclasses import dataclass, replace

from lxml import etree

from knowledge.formats.packages import attribute, child, local_name

# A style may rest on another; no honest chain is longer.
_LONGEST_CHAIN = 12


@dataclass(frozen=True)
class Style:
    """What a style says of a paragraph's part in the structure."""

    name: str = ""
    # 0 is the highest heading; None is no heading.
    outline: int | None = None
    list_id: str = ""
    level: int = 0


def read_styles(root: etree._Element) -> dict[str, Style]:
    """Styles by id, what they inherit included; the default one also under the empty id."""
    elements = {
        attribute(element, "styleId"): element
        for element in root
        if local_name(element) == "style" and attribute(element, "type") == "paragraph"
    }
    styles = {name: _resolved(name, elements) for name in elements}
    default = (name for name, e in elements.items() if attribute(e, "default") in ("1", "true"))
    return {"": styles.get(next(default, ""), Style()), **styles}


def _resolved(name: str, elements: dict[str, etree._Element]) -> Style:
    """The style with what it takes over from those it rests on."""
    chain: list[etree._Element] = []
    while name in elements and len(chain) < _LONGEST_CHAIN:
        chain.append(elements[name])
        base = child(elements[name], "basedOn")
        name = "" if base is None else attribute(base, "val")
    style = Style()
    for element in reversed(chain):
        style = _with_own(style, element)
    return style


def _with_own(style: Style, element: etree._Element) -> Style:
    own = child(element, "name")
    title = "" if own is None else attribute(own, "val").lower()
    outline, level = child(element, "pPr", "outlineLvl"), child(element, "pPr", "numPr", "ilvl")
    number = child(element, "pPr", "numPr", "numId")
    if title:
        style = replace(style, name=title)
    if title.startswith("heading ") and title[8:].strip().isdecimal():
        style = replace(style, outline=int(title[8:]) - 1)
    if outline is not None and (value := attribute(outline, "val")).isdecimal():
        style = replace(style, outline=int(value) if int(value) < 9 else None)
    if number is not None:
        style = replace(style, list_id=attribute(number, "val"))
    if level is not None and attribute(level, "val").isdecimal():
        style = replace(style, level=int(attribute(level, "val")))
    return style
