"""A cross-encoder made here, behind the same door as a real one."""

import pytest

from knowledge import reranking, retrieval
from knowledge.retrieval import retrieve


class WordReranker:
    """Scores by one word; remembers what it read."""

    name = "words"

    def __init__(self, word):
        self.word, self.read = word, []

    def score(self, query, texts):
        self.read.append(list(texts))
        return [float(self.word in text.lower()) for text in texts]


@pytest.fixture
def oil(monkeypatch):
    reranker = WordReranker("oil of grade")
    monkeypatch.setattr(reranking, "get_reranker", lambda: reranker)
    return reranker


@pytest.mark.django_db
class TestOrder:
    def test_it_decides_the_order_where_it_is_wanted(self, ingested, bob, oil):
        ingested()
        best = retrieve("Which seal kit has the P-200?", user=bob, collections=None).passages[0]
        assert "grade 46" in best.text and best.scores["reranked"] == {"rank": 1, "score": 1.0}

    def test_an_expert_may_go_without(self, ingested, bob, oil):
        ingested()
        found = retrieve(
            "Which seal kit has the P-200?", user=bob, collections=None, is_reranked=False
        )
        assert "SK-17" in found.passages[0].text
        assert "reranked" not in found.passages[0].scores and oil.read == []

    def test_it_reads_the_first_candidates_in_their_context_only(
        self, ingested, bob, oil, monkeypatch
    ):
        monkeypatch.setattr(retrieval, "RERANKED", 1)
        ingested()
        found = retrieve("Which seal kit has the P-200?", user=bob, collections=None)
        assert [len(texts) for texts in oil.read] == [1]
        assert oil.read[0][0].startswith("Pump manual")
        is_read = ["reranked" in one.scores for one in found.ranked]
        assert is_read[0] and not any(is_read[1:])

    def test_nothing_found_is_not_read(self, bob, oil, encoder, db):
        assert retrieve("seal", user=bob, collections=None).passages == []
        assert oil.read == []


@pytest.mark.story
def test_a_cross_encoder_in_a_folder_is_loaded_and_scores(tmp_path, settings):
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *["seal", "oil", "kit", "pump", "which"]]
    vocabulary = {word: number for number, word in enumerate(words)}
    BertTokenizerFast(vocab=vocabulary).save_pretrained(tmp_path)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        num_labels=1,
        initializer_range=1.0,
    )
    BertForSequenceClassification(config).save_pretrained(tmp_path)
    settings.KNOWLEDGE_RERANKER = str(tmp_path)
    reranking.get_reranker.cache_clear()
    try:
        reranker = reranking.get_reranker()
        scores = reranker.score("which seal", ["seal kit", "oil pump", "seal kit"])
    finally:
        reranking.get_reranker.cache_clear()
    assert len(scores) == 3 and scores[0] == pytest.approx(scores[2])
    assert scores[0] != scores[1]


def test_without_a_setting_there_is_none(settings):
    settings.KNOWLEDGE_RERANKER = ""
    reranking.get_reranker.cache_clear()
    assert reranking.get_reranker() is None
