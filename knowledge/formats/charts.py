"""A chart in an office file → its title and a table of the figures it shows.

Knows no slide and no page of text.
"""

from collections.abc import Iterator

from lxml import etree

from knowledge.blocks import Block
from knowledge.counts import counted
from knowledge.formats.grids import table_block
from knowledge.formats.packages import attribute, child, local_name

MAX_POINTS = 2_000


def chart_blocks(root: etree._Element, page: int | None = None) -> Iterator[Block]:
    """The chart's title, then a row for each category with a column for each series."""
    title = child(root, "chart", "title")
    words = "" if title is None else "".join(e.text or "" for e in _all(title, "t")).strip()
    if words:
        yield Block("paragraph", words, page=page)
    series = [_series(element) for element in _all(root, "ser")]
    labels = max((found[1] for found in series), key=len, default={})
    count = max((len(values) for _name, _labels, values in series), default=0)
    if not count:
        return
    places = sorted({place for _name, _labels, values in series for place in values})
    header = ("Category", *(name or f"Series {n}" for n, (name, _l, _v) in enumerate(series, 1)))
    rows = [
        (labels.get(place, str(place + 1)), *(values.get(place, "") for _n, _l, values in series))
        for place in places[:MAX_POINTS]
    ]
    yield table_block([header, *rows], page=page)
    if len(places) > MAX_POINTS:
        beyond = len(places) - MAX_POINTS
        told = counted(
            beyond, "{} further point of the chart was", "{} further points of the chart were"
        )
        left = f"{told} not read."
        yield Block("paragraph", left, page=page)


def _series(element: etree._Element) -> tuple[str, dict[int, str], dict[int, str]]:
    """Name, labels by place, values by place."""
    name = child(element, "tx")
    text = "" if name is None else " ".join(e.text or "" for e in _all(name, "v"))
    return text.strip(), _points(element, ("cat", "xVal")), _points(element, ("val", "yVal"))


def _points(element: etree._Element, names: tuple[str, ...]) -> dict[int, str]:
    found: dict[int, str] = {}
    for part in element:
        if local_name(part) not in names:
            continue
        for point in _all(part, "pt"):
            place, value = attribute(point, "idx"), child(point, "v")
            if place.isdecimal() and len(place) < 8 and value is not None:
                found[int(place)] = _shown(value.text or "")
    return found


def _shown(text: str) -> str:
    """A figure without the dust of binary fractions."""
    try:
        return f"{float(text):.10g}" if "." in text else text
    except ValueError:
        return text


def _all(element: etree._Element, name: str) -> Iterator[etree._Element]:
    return (found for found in element.iter() if local_name(found) == name)
