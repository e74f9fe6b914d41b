from uuid import uuid4

import pytest
from django.db import connection

from knowledge import indexes, searching
from knowledge.choosing import choose
from knowledge.errors import KnowledgeError
from knowledge.fusing import DENSE_WEIGHT, RRF_K
from knowledge.indexes import ensure_vector_index, has_bm25
from knowledge.models import Collection, Encoder
from knowledge.passages import FoundPassage
from knowledge.retrieval import name_first, retrieve
from tests.knowledge.conftest import make_xlsx


def passage(text="words", *, document=None, tokens=10, fused=0.03):
    return FoundPassage(
        chunk_id=uuid4(),
        version_id=uuid4(),
        document_id=document or uuid4(),
        collection_id=uuid4(),
        text=text,
        context_text=text,
        sha256="",
        kind="text",
        document_title="",
        version_number=1,
        file_sha256="",
        media_type="",
        headings=(),
        page=None,
        row_from=None,
        row_to=None,
        boxes=(),
        tokens=tokens,
        scores={"fused": {"rank": 1, "score": fused}},
    )


@pytest.fixture
def among_many(ingested):
    """Bob reads one short document; beside it there are fifty chunks that he may not read."""
    ingested()
    other = Collection.objects.create(name="Not his")
    rows = [("Seal kit", "Price"), *((f"Seal kit {n}", n) for n in range(50))]
    ingested(make_xlsx(rows), "p.xlsx", into=other)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE knowledge_chunk")


def keyword_ranks(user):
    """Chunk -> its place and score in the keyword ranking."""
    found = retrieve("Which seal kit has the P-200?", user=user, collections=None)
    return {one.chunk_id: one.scores.get("keyword") for one in found.ranked}


@pytest.mark.django_db
class TestFinding:
    def test_the_passage_that_answers_comes_first_with_its_scores(self, ingested, bob):
        version = ingested()
        found = retrieve("Which seal kit has the P-200?", user=bob, collections=None)
        best = found.passages[0]
        assert "SK-17" in best.text
        assert (best.document_title, best.headings) == ("Pump manual", ("Pump manual", "Seals"))
        assert best.version_id == version.pk and best.file_sha256 == version.sha256
        assert best.scores["dense"]["rank"] == best.scores["keyword"]["rank"] == 1
        assert best.scores["fused"] == {"rank": 1, "score": pytest.approx(1)}
        assert 0 < best.cosine <= 1
        assert found.candidates_searched == version.chunk_count
        assert set(found.timings) == {"embed", "search", "rerank", "compute", "choose"}

    def test_every_candidate_has_a_cosine_even_one_found_by_words_alone(self, ingested, bob):
        ingested(make_xlsx([("Part", "Price"), *((f"P-{n}", n) for n in range(60))]), "p.xlsx")
        found = retrieve("P-42", user=bob, collections=None, candidates=3)
        everything = [*found.passages, *(dropped.passage for dropped in found.dropped)]
        assert everything and all("dense" in one.scores for one in everything)
        assert any("P-42" in one.text for one in found.passages)

    def test_the_fused_order_weighs_both_scores_within_the_candidates(self, ingested, bob):
        ingested(make_xlsx([("Part", "Price"), *((f"Seal {n}", n) for n in range(30))]), "p.xlsx")
        ranked = retrieve("Seal 7 price", user=bob, collections=None, limit=30).ranked
        cosines = [one.cosine for one in ranked]
        words = [one.scores["keyword"]["score"] for one in ranked if "keyword" in one.scores]
        for one in ranked:
            word = one.scores["keyword"]["score"] if "keyword" in one.scores else 0
            dense = (one.cosine - min(cosines)) / (max(cosines) - min(cosines))
            expected = DENSE_WEIGHT * dense + (1 - DENSE_WEIGHT) * word / max(words)
            assert one.scores["fused"]["score"] == pytest.approx(expected, abs=1e-6)

    def test_without_bm25_the_fused_order_is_that_of_reciprocal_ranks(
        self, ingested, bob, monkeypatch
    ):
        monkeypatch.setattr(searching, "has_bm25", lambda: False)
        ingested(make_xlsx([("Part", "Price"), *((f"Seal {n}", n) for n in range(30))]), "p.xlsx")
        for one in retrieve("Seal 7 price", user=bob, collections=None, limit=30).ranked:
            ranks = [
                one.scores[kind]["rank"] for kind in ("dense", "keyword") if kind in one.scores
            ]
            expected = sum(1 / (RRF_K + rank) for rank in ranks if rank)
            assert one.scores["fused"]["score"] == pytest.approx(expected)

    @pytest.mark.parametrize(
        "question", ["", "   ", "\0", "' OR 1=1 --", "%s {0} \\ & | ! <-> :*", "the of and", "漢字"]
    )
    def test_odd_questions_are_only_words(self, ingested, bob, question):
        ingested()
        assert retrieve(question, user=bob, collections=None).candidates_searched > 0

    def test_collections_narrow_the_search(self, ingested, collection, bob, team):
        ingested()
        other = Collection.objects.create(name="Other")
        other.readers.add(team)
        inside = retrieve("seal", user=bob, collections=[collection.pk])
        assert inside.passages
        assert not retrieve("seal", user=bob, collections=[other.pk]).passages
        assert not retrieve("seal", user=bob, collections=[]).passages

    def test_without_bm25_full_text_finds_the_same(self, ingested, bob, monkeypatch):
        ingested()
        monkeypatch.setattr(searching, "has_bm25", lambda: False)
        best = retrieve("Which seal kit has the P-200?", user=bob, collections=None).passages[0]
        assert "SK-17" in best.text and best.scores["keyword"]["rank"] == 1

    @pytest.mark.parametrize("has_index", [True, False])
    @pytest.mark.parametrize(
        "query", ["expedicion", "EXPEDICIÓN", "anos", "Geburen", "lecole", "identite"]
    )
    def test_words_are_found_without_their_accents(
        self, ingested, bob, monkeypatch, query, has_index
    ):
        if not has_index:
            monkeypatch.setattr(searching, "has_bm25", lambda: False)
        ingested(
            "La expedición dura dos años. Die Gebüren. L’identité de l’école, lécole.", "a.txt"
        )
        (best,) = retrieve(query, user=bob, collections=None, limit=1).passages
        assert best.scores["keyword"]["rank"] == 1

    def test_this_database_has_bm25(self, db):
        has_bm25.cache_clear()
        assert has_bm25()

    def test_few_among_many_are_scored_one_by_one_with_the_same_outcome(
        self, among_many, bob, monkeypatch
    ):
        chosen, real = [], searching._bm25
        monkeypatch.setattr(
            searching, "_bm25", lambda *args: chosen.append(real(*args)) or chosen[-1]
        )
        scored = keyword_ranks(bob)
        assert chosen == [searching._BM25_OF_FEW] and any(scored.values())
        monkeypatch.setattr(searching, "_bm25", lambda *args: searching._BM25)
        assert keyword_ranks(bob) == scored

    @pytest.mark.parametrize("reach", [1, 1000])
    def test_the_reach_of_the_keyword_scan_changes_nothing(
        self, among_many, bob, monkeypatch, reach
    ):
        """However few it looks up at first, it goes on until the rights have left enough."""
        expected = keyword_ranks(bob)
        monkeypatch.setattr(searching, "REACH", reach)
        monkeypatch.setattr(searching, "LONGEST_REACH", reach)
        monkeypatch.setattr(searching, "_BM25_OF_FEW", searching._BM25)
        assert keyword_ranks(bob) == expected

    def test_the_planner_uses_the_keyword_index(self, among_many, bob):
        """Whatever it thinks of the rights: without the index, every visible chunk is parsed."""
        statement = searching._BM25.format(visible="c.ordinal >= %s", limit=50)
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {statement}", ["seal", 0, "seal", 50])
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert f"Index Scan using {indexes.KEYWORD_INDEX}" in plan

    def test_the_graph_index_finds_what_the_exact_scan_finds(self, ingested, bob, monkeypatch):
        ingested(make_xlsx([("Part", "Price"), *((f"Seal {n}", n) for n in range(50))]), "p.xlsx")
        exact = retrieve("Seal 7", user=bob, collections=None)
        monkeypatch.setattr(searching, "EXACT_LIMIT", 0)
        graph = retrieve("Seal 7", user=bob, collections=None)
        assert graph.passages[0].chunk_id == exact.passages[0].chunk_id
        assert graph.candidates_searched == 1

    def test_another_encoder_is_refused_rather_than_compared(self, ingested, bob):
        ingested()
        Encoder.objects.update(revision="2")
        with pytest.raises(KnowledgeError) as error:
            retrieve("seal", user=bob, collections=None)
        assert error.value.code == "encoder_changed"

    def test_a_reranker_has_the_last_word(self, ingested, bob, monkeypatch):
        class Backwards:
            name = "backwards"

            def score(self, query, texts):
                return [float("oil" in text.lower()) for text in texts]

        ingested()
        monkeypatch.setattr("knowledge.reranking.get_reranker", Backwards)
        best = retrieve("Which seal kit has the P-200?", user=bob, collections=None).passages[0]
        assert "grade 46" in best.text
        assert best.scores["reranked"] == {"rank": 1, "score": 1.0}


@pytest.mark.django_db
class TestRights:
    def test_colleagues_find_it_strangers_do_not(self, ingested, alice, bob, mallory, auditor):
        ingested()
        for reader in (alice, bob):
            assert retrieve("seal", user=reader, collections=None).passages
        for stranger in (mallory, auditor):
            found = retrieve("seal", user=stranger, collections=None)
            assert (found.passages, found.dropped, found.candidates_searched) == ([], [], 0)

    def test_naming_a_foreign_collection_opens_nothing(self, ingested, collection, mallory):
        ingested()
        assert not retrieve("seal", user=mallory, collections=[collection.pk]).passages

    def test_a_right_that_is_taken_away_is_gone_at_once(self, ingested, team, bob):
        ingested()
        bob.groups.remove(team)
        assert not retrieve("seal", user=bob, collections=None).passages

    def test_a_disabled_person_finds_nothing(self, ingested, bob):
        ingested()
        bob.is_active = False
        bob.save()
        assert not retrieve("seal", user=bob, collections=None).passages


class TestChoosing:
    def test_near_duplicates_are_left_out(self):
        kept, dropped = choose(
            [passage("the oil is grade 46"), passage("The oil is grade 46."), passage("seals")],
            limit=4,
        )
        assert [one.text for one in kept] == ["the oil is grade 46", "seals"]
        assert [one.reason for one in dropped] == ["duplicate"]

    def test_one_document_leaves_a_place_for_others(self):
        one = uuid4()
        many = [passage(f"words {n} of one", document=one) for n in range(5)]
        other = passage("of another")
        kept, dropped = choose([*many, other], limit=4)
        assert other in kept and len(kept) == 4
        assert {one.reason for one in dropped} == {"document_cap"}

    def test_another_document_that_is_far_behind_takes_no_place(self):
        one = uuid4()
        many = [passage(f"words {n} of one", document=one) for n in range(5)]
        kept, dropped = choose([*many, passage("of another", fused=0.012)], limit=4)
        assert kept == many[:4]
        assert {one.reason for one in dropped} == {"rank"}

    def test_one_document_takes_all_places_when_there_is_no_other(self):
        one = uuid4()
        kept, _ = choose([passage(f"words {n}", document=one) for n in range(5)], limit=4)
        assert len(kept) == 4

    def test_the_budget_is_kept(self):
        kept, dropped = choose(
            [passage("a", tokens=50), passage("b", tokens=60), passage("c", tokens=40)],
            limit=4,
            token_budget=100,
        )
        assert [one.text for one in kept] == ["a", "c"]
        assert [(one.passage.text, one.reason) for one in dropped] == [("b", "budget")]


@pytest.mark.django_db(transaction=True)
def test_the_vector_index_is_built_once_it_is_worth_it(ingested, monkeypatch):
    from django.db import connection

    ingested()
    encoder = Encoder.objects.get()
    assert not ensure_vector_index(encoder)
    monkeypatch.setattr(indexes, "HNSW_FROM", 1)
    assert ensure_vector_index(encoder)
    assert not ensure_vector_index(encoder)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX embedding_hnsw_{encoder.pk}")


class TestDesignations:
    """A rare part number of the question brings its row to the front; a common one does nothing."""

    @staticmethod
    def found(*texts):
        values = dict.fromkeys(FoundPassage.__dataclass_fields__)
        return [FoundPassage(**values | {"context_text": text}) for text in texts]

    @pytest.mark.parametrize(
        ("query", "first"),
        [
            ("How many KX-117 are in stock?", "Part: KX-117; Stock: 4"),
            ("how many kx-117?", "Part: KX-117; Stock: 4"),
            ("How many KX-11 are in stock?", "Part: KX-120; Stock: 9"),
            ("How many are in stock?", "Part: KX-120; Stock: 9"),
        ],
    )
    def test_a_rare_one_comes_first(self, query, first):
        rows = self.found("Part: KX-120; Stock: 9", "Kilns", "Part: KX-117; Stock: 4")
        assert name_first(query, rows)[0].context_text == first

    def test_what_stands_everywhere_moves_nothing(self):
        rows = self.found(*(f"KX-117 in box {box}" for box in range(6)), "KX-117")
        assert name_first("KX-117?", rows) == rows
