"""What could be asked next: from sections and tables beside what was found, for those who may."""

import pytest
from django.urls import reverse

from chat.models import Answer
from chat.reading import show_answer
from chat.suggesting import MOST, suggest
from knowledge.models import Chunk, Table

pytestmark = pytest.mark.django_db
SECTIONS = ("Spare parts", "Ordering", "Warranty", "Storage", "Disposal")


@pytest.fixture
def sections(chunks):
    """The chunks of the handbook in sections, two more among them."""
    version = chunks[0].version
    for ordinal, heading in enumerate(SECTIONS[3:], start=3):
        chunk = Chunk.objects.get(pk=chunks[0].pk)
        chunk.pk, chunk.ordinal, chunk.headings = None, ordinal, ["Handbook", heading]
        chunk.save(force_insert=True)
    for chunk, heading in zip(chunks, SECTIONS, strict=False):
        Chunk.objects.filter(pk=chunk.pk).update(headings=["Handbook", heading])
    return version


def suggested(answer):
    return suggest(answer, list(answer.passages.all()))


def test_sections_after_the_one_that_was_found_come_first(cited, sections):
    cited.passages.update(headings=["Handbook", "Ordering"])
    assert suggested(cited) == [
        f"What does Service handbook say about {heading}?"
        for heading in ("Warranty", "Storage", "Disposal")
    ]
    assert len(suggested(cited)) == MOST


def test_what_was_asked_is_not_suggested_again(cited, sections):
    type(cited.question).objects.update(text="What about warranty and disposal?")
    again = Answer.objects.get()
    words = " ".join(suggested(again))
    assert "Warranty" not in words and "Disposal" not in words and "Storage" in words


def test_a_table_is_asked_for_its_largest_figure(cited, sections):
    columns = [{"name": "Part", "type": "text"}, {"name": "Price", "type": "decimal"}]
    Table.objects.create(version=sections, name="Prices", ordinal=0, columns=columns)
    assert suggested(cited)[0] == "Which Part has the highest Price?"
    Table.objects.update(columns=columns[:1])
    assert "highest" not in suggested(cited)[0]


def test_nothing_of_a_document_that_is_closed_now(alice, team, cited, sections):
    assert show_answer(Answer.objects.get(), alice).suggestions
    alice.groups.remove(team)
    assert not show_answer(Answer.objects.get(), alice).suggestions


@pytest.mark.parametrize("status", ["failed", "stopped", "queued", "running"])
def test_only_a_complete_answer_has_suggestions(cited, sections, status):
    cited.status = status
    assert suggested(cited) == []


def test_the_page_offers_them_under_the_last_answer_only(client, alice, cited, sections, ask_as):
    client.force_login(alice)
    url = cited.question.conversation.get_absolute_url()
    assert "You could ask next" in client.get(url).content.decode()
    ask_as(alice, "More?", conversation_id=cited.question.conversation_id)
    assert "You could ask next" not in client.get(url).content.decode()


def test_a_thumb_down_keeps_its_reason_and_the_right_words(client, alice, cited):
    client.force_login(alice)
    said = {"thumb": "down", "reason": "outdated", "comment": "old", "corrected_answer": "SK-18."}
    url = reverse("chat:feedback", args=[cited.pk])
    html = client.post(url, said, headers={"HX-Request": "true"}).content.decode()
    assert '<option value="outdated" selected>' in html and ">SK-18.</textarea>" in html
    feedback = Answer.objects.get().feedback
    assert (feedback.reason, feedback.corrected_answer) == ("outdated", "SK-18.")
    refused = client.post(url, said | {"reason": "because"}, follow=True)
    assert "Choose one of the reasons." in refused.content.decode()
    client.post(url, {"thumb": "up", "reason": "outdated"})
    assert Answer.objects.get().feedback.reason == ""
