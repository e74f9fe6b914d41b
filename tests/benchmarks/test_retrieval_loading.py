import pytest

from benchmarks.retrieval_forms import Folder, Gold, Question, Text
from benchmarks.retrieval_loading import load, stored_chunks
from benchmarks.retrieval_quality import ask
from knowledge.models import Chunk, Document

LONG = "The office opens at nine in the morning and closes at five. " * 90
TEXTS = [
    Text("a", "Hours", LONG + "\n\nOn Sundays the side door stays shut for repairs."),
    Text("b", "", "Parking fees are paid at the gate."),
    Text("c", "Rules", "No dogs.", ("Park", "Animals"), parent="rules.html"),
    Text("d", "Rules", "No fires.", ("Park",), parent="rules.html"),
    Text("e", "", "  "),
]


def folder(unit="passage", name="b"):
    asked = Question("q", "Where are parking fees paid?", (Gold(name),))
    return Folder("set", "passages", (unit,), [asked], texts=TEXTS)


@pytest.fixture
def loaded(db, encoder):
    return load(folder())


class TestLoading:
    def test_a_given_passage_is_one_chunk_in_its_context(self, loaded):
        chunk = Chunk.objects.get(text="No dogs.")
        assert chunk.context_text == "Rules › Park › Animals\nNo dogs." and chunk.is_live
        assert loaded.passages[chunk.pk] == "c"
        assert Chunk.objects.get(text__startswith="Parking").context_text.startswith("Parking")

    def test_one_that_is_much_too_long_is_cut_and_stays_one_passage(self, loaded):
        parts = Chunk.objects.filter(version__filename="a")
        assert parts.count() > 3 and not parts.filter(kind="summary").exists()
        assert {loaded.passages[key] for key in parts.values_list("pk", flat=True)} == {"a"}

    def test_passages_of_one_document_are_its_chunks(self, loaded):
        assert Document.objects.count() == len(loaded.documents) == 3
        assert sorted(loaded.documents.values()) == ["a", "b", "rules.html"]

    def test_what_is_kept_and_whole_is_not_loaded_again(self, loaded):
        again = load(folder())
        assert not again.seconds and again.passages == loaded.passages

    def test_what_was_left_half_way_is_loaded_anew(self, loaded):
        loaded.collection.description = ""
        loaded.collection.save()
        Chunk.objects.filter(text="No dogs.").delete()
        assert "c" in load(folder()).passages.values()

    @pytest.mark.parametrize(("unit", "name"), [("passage", "b"), ("document", "b")])
    def test_questions_are_asked_through_retrieval(self, loaded, unit, name):
        asked = folder(unit, name)
        measured, seconds = ask(asked, loaded)
        (one,) = measured.values()
        assert set(one.rankings) == {"dense", "keyword", "hybrid"}
        assert one.rankings["hybrid"][0][0] == "b" and one.golds == [{"b": 1.0}]
        assert {"embed", "search", "choose"} <= set(seconds)

    def test_chunks_of_files_that_are_quoted_are_at_hand(self, loaded):
        gold = (Gold("b", words="Parking fees"), Gold("rules.html"))
        asked = Folder("set", "docs", ("evidence",), [Question("q", "?", gold)])
        assert [one.text for one in stored_chunks(asked, loaded)["b"]] == [TEXTS[1].text]
        assert "rules.html" not in stored_chunks(asked, loaded)
