import pytest

from knowledge.fillers import without_fillers
from knowledge.retrieval import retrieve

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("Parkausweis für Bewohner", "Parkausweis Bewohner"),
        ("Wie hoch ist die Gebühr in der Stadt?", "hoch Gebühr Stadt?"),
        ("Quel est le prix de la carte d'identité ?", "Quel prix carte 'identité ?"),
        ("¿Cuánto cuesta la licencia de obra?", "¿Cuánto cuesta licencia obra?"),
        ("Сколько стоит паспорт для ребёнка", "Сколько стоит паспорт ребёнка"),
    ],
)
def test_filling_words_of_the_questions_language_are_left_out(query, kept):
    assert without_fillers(query) == kept


@pytest.mark.parametrize(
    "query",
    [
        *("What is the notice period?", "die casting", "SAS par value on a note", "P-200"),
        *("", "?!", "über die", "was it in the box or on an old list", "der"),
    ],
)
def test_english_names_and_nothing_but_fillers_stay_as_they_are(query):
    assert without_fillers(query) == query


def test_a_document_that_merely_holds_a_filler_is_no_find(ingested, bob):
    ingested("Der Ausweis kostet 30 Euro im Jahr.", "a.md")
    ingested("Für Kinder gilt er, für Gäste nicht, für Hunde nie.", "b.md")
    found = retrieve("Parken für alle Ausweise und für Ausweis", user=bob, collections=None)
    by_words = [one.text for one in found.passages if one.scores.get("keyword", {}).get("rank")]
    assert len(by_words) == 1 and "30 Euro" in by_words[0]
