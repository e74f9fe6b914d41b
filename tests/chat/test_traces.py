"""An auditor finds an answer and reads its story; whoever looks is written down."""

import asyncio
import json
import re
from datetime import datetime

import pytest
from django.db import connection
from django.urls import reverse

from chat.answering import answer as write_answer
from chat.leases import claim_waiting
from chat.models import Answer, Citation, Passage, Receipt
from chat.threads import in_thread
from chat.traces import search_answers, tell_story, verify_receipts
from knowledge.models import Chunk
from phi3site.audit.models import AuditEvent
from phi3site.audit.verifying import verify
from phi3site.valkey import async_client
from tests.chat.conftest import add_document
from tests.fakes import ScriptedEngine

pytestmark = pytest.mark.django_db(transaction=True)

BOXES = [{"page": 2, "box": [0.1, 0.2, 0.9, 0.3]}]


async def write():
    valkey = async_client()
    (claim,) = await in_thread(claim_waiting)("w1", 1)
    await write_answer(claim, ScriptedEngine(), valkey=valkey, stop=asyncio.Event())
    await valkey.aclose()
    return claim.answer_id


@pytest.fixture
def answered(alice, ask_as):
    Chunk.objects.update(boxes=BOXES)
    ask_as(alice)
    return Answer.objects.get(pk=asyncio.run(write()))


@pytest.fixture
def reader(client, auditor):
    client.force_login(auditor)
    return client


def receipt_page(answer):
    return reverse("chat:receipt", args=[answer.pk])


class TestSearch:
    def found(self, auditor, **criteria):
        return list(search_answers(auditor, **criteria))

    def test_answers_are_found_by_each_criterion(self, answered, auditor, expert):
        day = answered.created_at.date()
        for criteria in (
            {},
            {"person": "ALI"},
            {"question": "seal kit"},
            {"document": "handbook"},
            {"expert": expert},
            {"since": day, "until": day},
        ):
            assert self.found(auditor, **criteria) == [answered], criteria

    def test_answers_that_do_not_fit_are_left_out(self, answered, auditor, expert):
        day = answered.created_at.date()
        for criteria in (
            {"person": "bob"},
            {"question": "holidays"},
            {"document": "leave policy"},
            {"until": day.replace(year=day.year - 1)},
            {"since": day.replace(year=day.year + 1)},
        ):
            assert self.found(auditor, **criteria) == [], criteria

    def test_document_that_was_found_but_not_used_does_not_count(self, answered, auditor):
        Passage.objects.update(is_used=False)
        assert self.found(auditor, document="handbook") == []

    def test_nobody_else_finds_anything(self, answered, alice, admin):
        assert not search_answers(alice).exists()
        assert not search_answers(admin).exists()

    def test_deactivated_auditor_finds_nothing(self, answered, auditor):
        auditor.is_active = False
        assert not search_answers(auditor).exists()


class TestList:
    def test_page_lists_answers_and_the_search_is_an_event(self, answered, reader, auditor):
        page = reader.get("/trace/", {"person": "alice"})
        assert receipt_page(answered) in page.content.decode()
        event = AuditEvent.objects.get(action="answers.searched")
        assert (event.actor, event.facts) == (auditor, {"person": "alice"})

    @pytest.mark.parametrize("query", [{}, {"person": "", "page": "1"}, {"since": "soon"}])
    def test_looking_at_the_list_without_a_search_is_no_search(self, answered, reader, query):
        reader.get("/trace/", query)
        assert not AuditEvent.objects.filter(action="answers.searched").exists()

    def test_htmx_gets_the_table_alone(self, answered, reader):
        page = reader.get("/trace/", headers={"HX-Request": "true", "HX-Target": "answers"})
        assert b"<html" not in page.content
        assert receipt_page(answered).encode() in page.content

    def test_number_of_filters_in_use_is_told_and_kept_up_to_date(self, reader):
        badge = re.compile(r'<span [^>]*id="filter-count"([^>]*)>(\d) active')
        assert badge.search(reader.get("/trace/").content.decode()).groups() == (" hidden", "0")
        query = {"person": "alice", "since": "soon", "question": "  "}
        assert badge.search(reader.get("/trace/", query).content.decode()).groups() == ("", "2")
        headers = {"HX-Request": "true", "HX-Target": "answers"}
        table = reader.get("/trace/", {"person": "alice"}, headers=headers).content.decode()
        assert badge.search(table).groups() == (' hx-swap-oob="true"', "1")

    def test_search_that_can_not_be_read_finds_nothing_and_says_so(self, answered, reader):
        page = reader.get("/trace/", {"since": "soon"}).content.decode()
        assert "Enter a valid date" in page
        assert receipt_page(answered) not in page

    def test_an_answer_that_found_nothing_does_not_look_like_a_good_one(self, answered, reader):
        Answer.objects.update(is_abstention=True)
        page = reader.get("/trace/").content.decode()
        assert '<span class="status" data-status="abstained">Nothing found</span>' in page

    def test_an_empty_list_tells_no_answer_yet_from_no_such_answer(self, reader):
        assert "No answer yet" in reader.get("/trace/").content.decode()
        assert "No such answer" in reader.get("/trace/", {"person": "alice"}).content.decode()

    def test_navigation_leads_auditors_here(self, reader):
        assert reader.get("/").url == "/trace/"


class TestStory:
    def test_pieces_are_the_whole_answer_once(self, answered):
        story = tell_story(answered)
        assert "".join(piece.text for piece in story.pieces) == answered.text
        (sentence,) = [piece for piece in story.pieces if piece.verdict]
        assert sentence.verdict == "supported"
        assert "SK-17" in sentence.rests_on[0]["words"]

    def test_text_around_sentences_is_kept(self, answered):
        told = json.loads(Receipt.objects.get().body)
        told["output"]["text"] = "So: " + answered.text + " Bye."
        for citation in told["citations"]:
            citation["start"] += 4
            citation["end"] += 4
        Receipt.objects.update(body=json.dumps(told))
        pieces = tell_story(answered).pieces
        assert [piece.text for piece in pieces] == ["So: ", answered.text, " Bye."]
        assert [bool(piece.verdict) for piece in pieces] == [False, True, False]


class TestReceiptPage:
    def test_page_tells_answer_and_proof_before_what_led_to_them(self, answered, reader):
        page = reader.get(receipt_page(answered)).content.decode()
        headings = ["Asked", "Answer", "Proof", "Passages in the prompt", "Sent to the model"]
        places = [page.index(f"<h2>{name}") for name in [*headings, "Answered by", "Timings"]]
        assert places == sorted(places)
        receipt = Receipt.objects.get()
        event = AuditEvent.objects.get(seq=receipt.audit_seq)
        for words in (
            "What is the seal kit of the Heron pump?",
            "Service handbook",
            "Question: What is the seal kit",
            "w" * 64,
            receipt.sha256,
            event.hash,
            f"Event {receipt.audit_seq}",
            "agrees with its hash",
        ):
            assert words in page, words

    def test_whoever_looks_is_written_down(self, answered, reader, auditor, alice):
        reader.get(receipt_page(answered))
        event = AuditEvent.objects.get(action="answer.traced")
        assert (event.actor, event.target_id) == (auditor, str(answered.pk))
        assert event.facts == {"asker": alice.pk}

    def test_nobody_else_looks_and_nothing_is_written_of_it(self, answered, client, alice, admin):
        for person in (alice, admin):
            client.force_login(person)
            assert client.get(receipt_page(answered)).status_code == 403
        assert not AuditEvent.objects.filter(action="answer.traced").exists()

    def test_hidden_characters_are_shown_and_markup_is_inert(self, ask_as, alice, reader):
        ask_as(alice, "What is the seal\u200b kit of the <img src=x onerror=alert(1)> Heron pump?")
        answer = Answer.objects.get(pk=asyncio.run(write()))
        page = reader.get(receipt_page(answer)).content.decode()
        assert "U+200B" in page
        assert "<img src=x" not in page

    def test_changed_receipt_is_called_changed(self, answered, reader):
        Receipt.objects.update(body=Receipt.objects.get().body.replace("SK-17", "SK-99"))
        page = reader.get(receipt_page(answered)).content.decode()
        assert "This receipt does not hold" in page
        assert "differs from its hash" in page
        assert "agrees with its hash" not in page

    @pytest.mark.parametrize("body", ["", "no JSON", "[]", "{}", '{"asked": 1}', '{"passages": 3}'])
    def test_receipt_that_can_not_be_read_is_shown_all_the_same(self, answered, reader, body):
        Receipt.objects.update(body=body)
        page = reader.get(receipt_page(answered))
        assert page.status_code == 200
        assert "This receipt does not hold" in page.content.decode()

    def test_answer_under_way_has_no_receipt_yet(self, ask_as, alice, reader):
        answer = ask_as(alice)
        page = reader.get(receipt_page(answer)).content.decode()
        assert "still being written" in page

    def test_story_stays_when_document_and_name_are_gone(self, answered, reader, alice, chunks):
        document = chunks[0].version.document
        document.versions.all().delete()
        document.delete()
        alice.username = "renamed"
        alice.save()
        page = reader.get(receipt_page(answered)).content.decode()
        assert "Service handbook" in page
        assert '<p class="muted">alice,' in page
        assert "agrees with its hash" in page

    def test_what_was_left_out_is_folded_and_counted_by_reason(self, answered, reader):
        told = json.loads(Receipt.objects.get().body)
        reasons = ["rank"] * 90 + ["duplicate"] * 2 + ["summary", "odd_new_one"]
        told["passages"] = [passage for passage in told["passages"] if passage["is_used"]]
        told["looked_up"]["dropped"] = [
            {"document": f"Guide {n}", "page": None, "scores": {}, "reason": reason}
            for n, reason in enumerate(reasons)
        ]
        Receipt.objects.update(body=json.dumps(told))
        page = reader.get(receipt_page(answered)).content.decode()
        folded = page[page.index('id="left-out"') : page.index('id="sent"')]
        assert page.count("<div>Guide ") == folded.count("<div>Guide ") == len(reasons)
        counts = re.findall(r'<details class="fold"><summary>.*?>(\d+)</span> ([^<]+)<', folded)
        assert counts == [
            ("2", "says the same as a passage before it"),
            ("1", "sums up a whole document; the question is on its details"),
            ("90", "ranked lower"),
            ("1", "odd new one"),
        ]

    def test_table_passage_shows_its_rows(self, expert, collection, ask_as, alice, reader):
        add_document(
            collection,
            "Price list",
            ["Seal kit SK-17 of the Heron pump: 48 euros."],
            page=None,
            row_from=12,
            row_to=14,
        )
        ask_as(alice)
        answer = Answer.objects.get(pk=asyncio.run(write()))
        page = reader.get(receipt_page(answer)).content.decode()
        assert "rows 12–14" in page
        passage = answer.passages.get(document_title="Price list")
        assert (
            "rows 12–14" in reader.get(reverse("chat:source", args=[passage.pk])).content.decode()
        )

    def test_moment_of_the_question_is_readable_by_people_and_machines(self, answered, reader):
        page = reader.get(receipt_page(answered)).content.decode()
        asked_at = answered.question.asked_at
        (exact, shown) = re.search(
            r'<time [^>]*datetime="([^"]+)" data-moment>([^<]+)', page
        ).groups()
        assert datetime.fromisoformat(exact) == asked_at
        assert shown == f"{asked_at.day} {asked_at:%b %Y, %H:%M:%S} UTC"


class TestVerifyingOneAnswer:
    def url(self, answer):
        return reverse("chat:verify", args=[answer.pk])

    def test_outcome_is_told_and_stands_in_the_log(self, answered, reader, auditor):
        told = reader.post(
            self.url(answered), headers={"HX-Request": "true", "HX-Target": "report"}
        )
        assert "Verified just now" in told.content.decode()
        assert b"<html" not in told.content
        event = AuditEvent.objects.get(action="answer.verified")
        assert (event.actor, event.target_id) == (auditor, str(answered.pk))
        assert event.facts == {"intact": True, "event": Receipt.objects.get().audit_seq}
        log = reader.get("/trace/log/", {"target": str(answered.pk)}).content.decode()
        assert "Verified an answer" in log
        assert not list(verify_receipts())

    def test_changed_receipt_is_told_and_logged_as_changed(self, answered, reader):
        Receipt.objects.update(body="{}")
        page = reader.post(self.url(answered), follow=True).content.decode()
        assert "it does not hold" in page
        assert AuditEvent.objects.get(action="answer.verified").facts["intact"] is False

    def test_answer_under_way_has_nothing_to_verify(self, ask_as, alice, reader):
        answer = ask_as(alice)
        page = reader.post(self.url(answer), follow=True).content.decode()
        assert "has no receipt yet" in page
        assert not AuditEvent.objects.filter(action="answer.verified").exists()

    def test_looking_does_not_verify_and_others_may_not(self, answered, reader, client, alice):
        assert reader.get(self.url(answered)).status_code == 405
        client.force_login(alice)
        assert client.post(self.url(answered)).status_code == 403
        assert not AuditEvent.objects.filter(action="answer.verified").exists()


class TestSource:
    def test_source_shows_the_frozen_words_with_the_cited_ones_marked(self, answered, reader):
        passage = Citation.objects.get().passage
        page = reader.get(reverse("chat:source", args=[passage.pk])).content.decode()
        assert "<mark>The seal kit" in page
        assert passage.file_sha256 in page
        assert passage.boxes == BOXES
        assert f"/pages/{BOXES[0]['page']}.png" in page
        assert AuditEvent.objects.get(action="passage.traced").target_id == str(passage.pk)

    def test_picture_of_a_page_without_the_passage_is_not_given(self, answered, reader):
        passage = Citation.objects.get().passage
        url = reverse("chat:source_page", args=[passage.pk, 999])
        assert reader.get(url).status_code == 404


class TestVerification:
    def test_untouched_receipts_hold(self, answered):
        assert list(verify_receipts()) == []
        assert verify().is_intact

    @pytest.mark.parametrize(
        ("table", "change"),
        [
            ("chat_receipt", "body = body || ' '"),
            ("chat_receipt", "sha256 = repeat('0', 64)"),
            ("chat_receipt", "audit_seq = 1"),
            ("chat_answer", "text = 'Something else.'"),
            ("chat_passage", "text = 'Something else.'"),
            ("chat_question", "text = 'Something else?'"),
        ],
    )
    def test_change_of_any_part_is_found(self, answered, table, change):
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {table} SET {change}")
        assert str(answered.pk) in [fault.subject.split()[-1] for fault in verify_receipts()]
        assert not verify().is_intact

    def test_receipt_that_was_removed_is_missed(self, answered):
        Receipt.objects.all().delete()
        (fault,) = verify_receipts()
        assert "is gone" in fault.reason
        assert fault.url == receipt_page(answered)

    def test_page_links_to_the_receipt_that_differs(self, answered, reader):
        Receipt.objects.update(body="{}")
        page = reader.post("/trace/verify/").content.decode()
        assert receipt_page(answered) in page
