"""Questions in other forms of words than the passages, in three languages: see languages.py."""

import pytest
from django.db import connection

from knowledge import stems
from knowledge.correcting import correct
from knowledge.indexes import STEMS_INDEX
from knowledge.models import Chunk, Document, DocumentVersion
from knowledge.retrieval import retrieve
from knowledge.stems import language_of, parts, question_stems, stems_of
from tests.knowledge.languages import PASSAGES, QUESTIONS

pytestmark = pytest.mark.django_db
NAMES = {"de": "german", "fr": "french", "en": ""}


@pytest.fixture
def base(collection, encoder):
    """A document per language, a chunk per passage."""
    for code, passages in PASSAGES.items():
        texts = list(passages.values())
        document = Document.objects.create(collection=collection, title=f"Rules {code}")
        language = language_of(texts)
        version = DocumentVersion.objects.create(
            document=document, number=1, status="ready", size=1, sha256="", language=language
        )
        kept = zip(passages.items(), stems_of(texts, language), strict=True)
        Chunk.objects.bulk_create(
            Chunk(
                version=version,
                collection=collection,
                is_live=True,
                ordinal=ordinal,
                headings=[f"{code}-{key}"],
                text=text,
                context_text=text,
                stems=stem,
                tokens=20,
                sha256="",
            )
            for ordinal, ((key, text), stem) in enumerate(kept)
        )


def first_by_words(question, user):
    """The place of the passage that has the best keyword score."""
    found = retrieve(question, user=user, collections=None)
    passages = {p.chunk_id: p for p in [*found.ranked, *(one.passage for one in found.dropped)]}
    ranks = {p.scores["keyword"]["rank"]: p for p in passages.values() if "keyword" in p.scores}
    return ranks[1].headings[0] if 1 in ranks else ""


def share_found(code, user):
    asked = QUESTIONS[code]
    return sum(first_by_words(q, user) == f"{code}-{key}" for q, key in asked.items()) / len(asked)


def test_the_language_of_each_is_known(base):
    assert set(DocumentVersion.objects.values_list("language", flat=True)) == set(NAMES.values())


def test_forms_and_compounds_are_found_in_their_language(base, bob):
    assert share_found("fr", bob) == share_found("en", bob) == 1.0
    assert share_found("de", bob) > 0.85


def test_without_stems_half_of_the_german_questions_find_nothing(base, bob, monkeypatch):
    monkeypatch.setattr("knowledge.searching.question_stems", lambda query: "")
    assert share_found("de", bob) < 0.6
    assert share_found("en", bob) == 1.0


def test_a_question_in_english_asks_for_no_stems(base):
    for question in QUESTIONS["en"]:
        assert question_stems(question) == ""


def test_words_alone_are_asked_for_in_every_language_of_the_base(base):
    found = question_stems("Dichtung Gehäuse")
    assert "gedichtung" in found and "gegehaus" in found and "frdichtung" in found


def test_a_base_in_english_is_asked_as_it_was(ingested, encoder):
    version = ingested()
    assert version.language == "" and set(version.chunks.values_list("stems", flat=True)) == {""}
    assert question_stems("Wie oft wird das Öl gewechselt?") == ""


def test_a_file_and_its_corrections_have_stems(ingested, curator, bob):
    text = " ".join(PASSAGES["de"].values())
    version = ingested(f"# Regeln\n\n{text}", "regeln.md")
    assert version.language == "german"
    chunk = version.chunks.filter(kind="text").first()
    assert "gegehaus" in chunk.stems.split()
    correct(chunk, text="Die Zahnräder werden geölt.", is_enabled=True, actor=curator)
    chunk.refresh_from_db()
    assert "gezahnrad" in chunk.stems.split() and "gegehaus" not in chunk.stems.split()
    assert first_by_words("Wird jedes Rad geölt?", bob)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The pump is opened by the fitter, and then the seals are replaced.", ""),
        ("P-200 SK-17 4711 mm bar", ""),
        ("", ""),
        (
            "De pomp wordt geopend en daarna worden de afdichtingen door de monteur vervangen.",
            "dutch",
        ),
        ("La bomba se abre y luego el mecánico cambia las juntas de la tapa.", "spanish"),
    ],
)
def test_the_language_of_a_text(text, language):
    assert language_of([text]) == language


def test_parts_of_a_compound():
    found = parts("pumpengehäuse", "german")
    assert {"pumpe", "gehäuse"} <= set(found) and "pumpengehäuse" not in found
    assert parts("gehäuse", "german") == parts("fonctionnement", "french") == []
    assert parts("x" * 70, "german") == []


def test_stems_carry_no_accents_and_their_language():
    (kept,) = stems_of(["Les prêts réévalués"], "french")
    assert kept.isascii() and all(stem.startswith("fr") for stem in kept.split())


def test_the_index_of_stems_is_there_and_holds_only_them(base):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_indexdef(to_regclass(%s))", [STEMS_INDEX])
        assert "stems" in cursor.fetchone()[0]
    assert not Chunk.objects.filter(version__language="").exclude(stems="").exists()


def test_more_languages_than_a_few_are_not_tried(base, monkeypatch):
    DocumentVersion.objects.create(
        document=Document.objects.first(), number=2, size=1, sha256="", language="german"
    )
    monkeypatch.setattr(stems, "MOST_LANGUAGES", 1)
    assert "frdicht" not in question_stems("Dichtung Gehäuse")
