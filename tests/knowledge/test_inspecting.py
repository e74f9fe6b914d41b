import re

import pytest

from knowledge.inspecting import inspect
from tests.knowledge.conftest import make_pdf, make_xlsx

pytestmark = pytest.mark.django_db


def test_a_page_of_a_pdf_with_the_areas_of_its_chunks(ingested, client, curator):
    version = ingested(make_pdf(3), "a.pdf")
    shown = inspect(version, {"page": "2"})
    assert shown["original"] == "pages" and shown["page"].number == 2
    assert shown["chunks"] and all(
        chunk.page == 2 or any(box["page"] == 2 for box in chunk.boxes) for chunk in shown["chunks"]
    )
    assert {area.chunk.pk for area in shown["areas"]} <= {c.pk for c in shown["chunks"]}
    client.force_login(curator)
    url = version.document.get_absolute_url()
    page = client.get(url, {"page": "2"}).content.decode()
    (chunk, *_rest) = shown["areas"]
    assert page.count(f'data-chunk="{chunk.chunk.pk}"') == 2 and "pages/2.png" in page


def test_every_chunk_of_a_pdf_stands_on_some_page(ingested):
    version = ingested(make_pdf(3), "a.pdf")
    seen = {c.pk for n in (1, 2, 3) for c in inspect(version, {"page": str(n)})["chunks"]}
    assert seen == set(version.chunks.values_list("pk", flat=True))


def test_rows_of_a_table_with_the_chunks_made_of_them(ingested):
    rows = [("Part", "Price"), *((f"Part {n}", n) for n in range(150))]
    version = ingested(make_xlsx(rows), "prices.xlsx")
    first, second = (inspect(version, {"page": page}) for page in ("1", "2"))
    assert first["original"] == "rows" and len(first["rows"]) == 100
    assert any(chunk.row_from is None for chunk in first["chunks"])
    assert all(chunk.row_to >= 101 for chunk in second["chunks"])
    seen = {chunk.pk for chunk in [*first["chunks"], *second["chunks"]]}
    assert seen == set(version.chunks.values_list("pk", flat=True))


def test_text_and_its_chunks_light_each_other_up(ingested, client, curator):
    version = ingested()
    client.force_login(curator)
    page = client.get(version.document.get_absolute_url()).content.decode()
    for chunk in version.chunks.exclude(kind="summary"):
        assert len(re.findall(f'data-chunk="{chunk.pk}"', page)) == 2


@pytest.mark.parametrize("page", ["0", "-3", "x", "999999999999"])
def test_a_page_that_is_none_is_another_one(ingested, page):
    assert inspect(ingested(make_pdf(2), "a.pdf"), {"page": page})["chunks"]
