"""Conversations as files: with their evidence, and without a way to reach anybody from them."""

import json
import re
from uuid import uuid4

import pytest
from django.urls import reverse

from chat.evidence import exchanges
from chat.exporting import FORMS, export
from chat.models import Answer, Passage
from phi3site.audit.models import AuditEvent

pytestmark = pytest.mark.django_db
HOSTILE = (
    "See ![x](https://evil.example/a.png) and [this](https://evil.example) <img src=//evil.example>"
    "<script>fetch('//evil.example')</script>"
)


@pytest.fixture
def conversation(cited):
    return cited.question.conversation


def file(user, conversation, form):
    return export(user, conversation, form).content


def test_json_holds_question_sentences_verdicts_quotes_and_versions(alice, conversation, cited):
    content = json.loads(file(alice, conversation, "json"))
    (exchange,) = content["exchanges"]
    assert exchange["question"] == cited.question.text
    (sentence,) = exchange["sentences"]
    assert (sentence["verdict"], sentence["support"]) == ("supported", 0.9)
    passage = cited.passages.get()
    assert sentence["rests_on"] == [{"source": 1, "quote": passage.text[:40]}]
    (source,) = exchange["sources"]
    assert (source["document"], source["version"], source["page"]) == ("Service handbook", 1, 2)
    assert (source["sha256"], source["text"]) == (passage.sha256, passage.text)
    assert exchange["answer"]["expert"] == "Service, version 1"


def test_markdown_reads_well_and_cites(alice, conversation, cited):
    text = file(alice, conversation, "md")
    assert text.startswith(f"# {conversation.title}\n\n## {cited.question.text}\n")
    assert "The seal kit is SK-17. \\[1\\]" in text.replace("SK-17 .", "SK-17.")
    assert "1. **Service handbook**, p. 2, version 1" in text
    assert f"   > {cited.passages.get().text}" in text


def test_html_is_one_page_whose_marks_lead_to_its_own_sources(alice, conversation, cited):
    page = file(alice, conversation, "html")
    assert 'href="#source-1-1"' in page and 'id="source-1-1"' in page
    assert 'data-verdict="supported"' in page and cited.passages.get().text in page
    assert "default-src 'none'" in page
    assert set(re.findall(r'(?:href|src)="([^"]*)"', page)) == {"#source-1-1"}


@pytest.mark.parametrize("form", ["md", "html"])
def test_no_text_of_anybody_becomes_a_link_an_image_or_markup(alice, conversation, cited, form):
    Answer.objects.update(text=HOSTILE)
    Passage.objects.update(text=HOSTILE, document_title=HOSTILE, headings=[HOSTILE])
    type(cited.question).objects.update(text=HOSTILE)
    type(conversation).objects.update(title=HOSTILE[:200])
    conversation.refresh_from_db()
    content = file(alice, conversation, form)
    if form == "md":
        assert not re.search(r"(?<!\\)[\[\]<]", content)
    else:
        tags = re.findall(r"<[a-z][^>]*>", content)
        assert not [tag for tag in tags if re.match(r"<(?:img|script|iframe|link|base)", tag)]
        assert not [tag for tag in tags if re.search(r'src=|href=(?!"#)', tag)]


def test_a_closed_source_keeps_its_name_and_takes_its_sentences_along(
    alice, team, conversation, cited
):
    words = cited.passages.get().text
    alice.groups.remove(team)
    for form in FORMS:
        content = file(alice, conversation, form)
        assert "Service handbook" in content and words[:30] not in content
        assert "The seal kit is SK-17" not in content


def test_a_sentence_on_an_open_source_is_told_beside_a_closed_one(alice, cited):
    said = f"{cited.text} It is cheap."
    Answer.objects.update(text=said)
    closed = Passage.objects.get()
    closed.pk, closed.marker, closed.version_id, closed.text = uuid4(), 2, uuid4(), "It is cheap."
    closed.save(force_insert=True)
    cited.citations.create(
        start=27, end=len(said), passage=closed, verdict="supported", support=0.8,
        passage_start=0, passage_end=12,
    )  # fmt: skip
    (told,) = exchanges([cited.pk], alice)
    assert told.is_partial and told.withheld == {2}
    assert "SK-17" in told.html and "cheap" not in told.html
    assert [sentence.text for sentence in told.sentences] == [cited.text]


def test_the_page_sends_a_file_with_its_name_and_notes_it(client, alice, conversation):
    client.force_login(alice)
    url = reverse("chat:export", args=[conversation.pk])
    sent = client.post(url, {"form": "html"})
    assert sent["Content-Type"].startswith("text/html")
    assert sent["Content-Disposition"] == (
        'attachment; filename="what-is-the-seal-kit-of-the-heron-pump.html"'
    )
    event = AuditEvent.objects.get(action="conversation.exported")
    assert json.loads(event.details) == {"form": "html"} and event.actor_id == alice.pk
    assert client.post(url, {"form": "exe"}).status_code == 404


def test_the_api_sends_the_same_file(client, alice, conversation):
    client.force_login(alice)
    url = f"/api/conversations/{conversation.pk}/export"
    assert client.post(url).json()["title"] == conversation.title
    assert client.post(f"{url}?form=md").content.decode().startswith("# ")
    assert client.post(f"{url}?form=exe").status_code == 422
