import hashlib
from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from knowledge.models import Chunk
from knowledge.neighbours import parts_of, with_neighbours
from knowledge.retrieval import retrieve
from tests.knowledge.conftest import make_pdf
from tests.knowledge.found import found

LONG = " ".join(f"The pump number {n} is dry." for n in range(24))
TEXT = f"""# Pump

## Seals

The seal kit of every pump in this hall is SK-17, says the list.

## Oil

Use oil of grade 46 in every gear box and in every bearing.

## Tests

{LONG}

# Motor

The motor is blue.
"""


@pytest.fixture
def passages(ingested):
    """The version's chunks as found passages, by their last heading."""
    version = ingested(TEXT, "pump.md")
    return {
        chunk.headings[-1]: found(
            chunk.text,
            chunk_id=chunk.pk,
            version_id=version.pk,
            headings=tuple(chunk.headings),
            tokens=chunk.tokens,
            boxes=tuple(chunk.boxes),
        )
        for chunk in version.chunks.filter(kind="text").order_by("-ordinal")
    }


@pytest.mark.django_db
class TestNeighbours:
    def test_a_short_passage_brings_the_next_one(self, passages):
        (grown,) = with_neighbours([passages["Seals"]])
        assert grown.text.startswith("The seal kit") and "list.\nOil\nUse oil" in grown.text
        assert grown.context_text.endswith(grown.text)
        assert grown.sha256 == hashlib.sha256(grown.text.encode()).hexdigest()
        assert grown.chunk_id == passages["Seals"].chunk_id
        assert grown.tokens == passages["Seals"].tokens + passages["Oil"].tokens

    def test_not_one_that_has_a_place_of_its_own(self, passages):
        both = [passages["Seals"], passages["Oil"]]
        assert [one.text for one in with_neighbours(both)] == [one.text for one in both]

    def test_not_one_that_makes_it_too_long(self, passages):
        assert with_neighbours([passages["Oil"]]) == [passages["Oil"]]

    def test_not_one_of_another_chapter(self, passages):
        last = passages["Tests"]
        short = replace(last, tokens=5)
        assert with_neighbours([short]) == [short]

    def test_not_beyond_the_budget(self, passages):
        budget = passages["Seals"].tokens + passages["Oil"].tokens
        kept = [passages["Seals"]]
        assert with_neighbours(kept, token_budget=budget - 1) == kept
        assert with_neighbours(kept, token_budget=budget) != kept

    def test_not_one_that_is_out_of_search(self, passages):
        Chunk.objects.filter(pk=passages["Oil"].chunk_id).update(is_live=False)
        assert with_neighbours([passages["Seals"]]) == [passages["Seals"]]

    def test_rows_of_tables_stay_alone(self, passages):
        row = found("Seal: SK-17", chunk_id=passages["Seals"].chunk_id, kind="row")
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert with_neighbours([row]) == [row]
        assert not queries.captured_queries

    def test_boxes_of_both_are_marked(self, ingested, bob):
        ingested(make_pdf(3), "service.pdf")
        (best,) = retrieve(
            "step 2 of the yearly service", user=bob, collections=None, limit=1
        ).passages
        assert "step 2" in best.text and "step 3" in best.text
        assert [box["page"] for box in best.boxes] == [2, 3]

    def test_a_joined_passage_names_both_its_chunks(self, passages):
        seals, oil = passages["Seals"], passages["Oil"]
        (grown,) = with_neighbours([seals])
        assert parts_of(grown.chunk_id, grown.text) == [seals.chunk_id, oil.chunk_id]
        assert parts_of(seals.chunk_id, seals.text) == [seals.chunk_id]

    def test_a_chunk_that_was_changed_or_is_gone_stands_for_itself(self, passages):
        (grown,) = with_neighbours([passages["Seals"]])
        Chunk.objects.filter(pk=passages["Oil"].chunk_id).update(text="Use grease.")
        assert parts_of(grown.chunk_id, grown.text) == [grown.chunk_id]
        Chunk.objects.filter(pk=grown.chunk_id).delete()
        assert parts_of(grown.chunk_id, grown.text) == [grown.chunk_id]
