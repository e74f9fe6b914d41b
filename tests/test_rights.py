"""One question to every route: may this person do that with this document?

A company is drawn by lot, and what the routes do is compared with one small oracle that knows the
facts alone. Named in the failure: the right, the person, the document, and both opinions.
"""

import json
import random
import uuid
from collections import Counter
from functools import cache

import pytest
from django.test import Client
from django.urls import reverse

from chat.drafts import check_rights, load_draft
from chat.errors import AnswerFailed
from chat.grounding import search
from chat.leases import claim_waiting
from chat.models import Answer, Conversation, Passage
from knowledge.retrieval import retrieve
from phi3site.valkey import client as valkey
from tests.rights_world import day_of, draw_company

TRIPLES = 500


# --- The oracle: facts in, an opinion out; no query of the product


def manages(person, paper):
    if person.is_admin:
        return True
    return "curator" in person.groups and bool(person.groups & paper.shelf.managers)


def reads(person, paper):
    """Whether the words are this person's to see, whatever became of the document."""
    shelf = paper.shelf.readers | paper.shelf.managers
    is_inside = person.is_admin or bool(person.groups & shelf)
    is_open = not paper.readers or bool(person.groups & paper.readers) or manages(person, paper)
    return person.is_active and is_inside and is_open


def opens(person, paper):
    return reads(person, paper) and paper.state == "active"


def in_force(paper, day):
    """The number of the version that answers on a day; the newest one that has begun."""
    if paper.state != "active" or (paper.last_day is not None and paper.last_day < day):
        return None
    begun = [n for n, first in enumerate(paper.firsts) if first is None or first <= day]
    return max(begun, default=None)


def curates(person, paper):
    return person.is_active and manages(person, paper)


def said(person, paper, day):
    """The version whose words an answer may rest on."""
    return in_force(paper, day) if reads(person, paper) else None


# --- The routes: what they do


class Routes:
    """Each method is a right: its oracle's opinion, and what the product did."""

    def __init__(self, company, draw):
        self.company, self.draw = company, draw
        self.browser = cache(self._browser)
        self.listed, self.console = cache(self._listed), cache(self._console)

    def _browser(self, number):
        browser = Client(raise_request_exception=False)
        browser.force_login(self.company.people[number].user)
        return browser

    def get(self, person, url):
        return self.browser(self.company.people.index(person)).get(url)

    def is_open(self, person, name, *args):
        return self.get(person, reverse(name, args=args)).status_code == 200

    def _listed(self, number):
        found = self.browser(number).get("/api/documents?limit=200")
        return {one["id"] for one in found.json()["items"]} if found.status_code == 200 else set()

    def _console(self, number, query):
        return self.browser(number).get(reverse("knowledge:documents") + query).content.decode()

    def list(self, person, paper):
        listed = self.listed(self.company.people.index(person))
        return opens(person, paper), str(paper.row.pk) in listed

    def get_document(self, person, paper):
        found = self.get(person, f"/api/documents/{paper.row.pk}")
        return opens(person, paper), found.status_code == 200

    def get_version(self, person, paper):
        version = self.draw.choice(paper.versions)
        return opens(person, paper), self.get(
            person, f"/api/versions/{version.pk}"
        ).status_code == 200

    def chunks(self, person, paper):
        number = self.draw.randrange(len(paper.versions))
        url = f"/api/versions/{paper.versions[number].pk}/chunks"
        return opens(person, paper), paper.secret(number) in self.get(person, url).content.decode()

    def changes(self, person, paper):
        found = self.get(person, f"/api/documents/{paper.row.pk}/changes")
        return opens(person, paper), found.status_code not in (401, 403, 404)

    def read(self, person, paper):
        number = self.draw.randrange(len(paper.versions))
        page = self.get(person, reverse("knowledge:version", args=[paper.versions[number].pk]))
        return opens(person, paper), paper.secret(number) in page.content.decode()

    def download(self, person, paper):
        number = self.draw.randrange(len(paper.versions))
        url = reverse("knowledge:original", args=[paper.versions[number].pk])
        file = self.get(person, url)
        has_words = file.status_code == 200 and paper.secret(number).encode() in b"".join(file)
        return opens(person, paper), has_words

    def manage(self, person, paper):
        may = curates(person, paper) and paper.state != "purged"
        return may, self.is_open(person, "knowledge:document", paper.row.pk)

    def trash(self, person, paper):
        """The list of the console, with what is in the trash or without."""
        is_trash = self.draw.random() < 0.5
        state = "trashed" if is_trash else "active"
        page = self.console(
            self.company.people.index(person), "?status=trashed" if is_trash else ""
        )
        return curates(person, paper) and paper.state == state, str(paper.row.pk) in page

    def search(self, person, paper):
        day = self.draw.choice((-31, -1, 0, 1, 2, 31))
        words = " ".join(paper.secret(number) for number in range(len(paper.versions)))
        found = retrieve(
            f"At how many bar does the {words} valve open?",
            user=person.user,
            collections=None,
            as_of=day_of(day),
        )
        return said(person, paper, day), version_of(paper, [p.text for p in found.passages])

    def chat(self, person, paper):
        # Mostly one that looks it up, for a version that may answer: else nearly all are refused.
        experts = sorted(self.company.experts, key=lambda one: paper.shelf in one[1])
        expert, shelves = experts[self.draw.random() > 0.2]
        may = person.asks and paper.shelf in shelves
        number = in_force(paper, 0)
        if number is None or self.draw.random() < 0.2:
            number = self.draw.randrange(len(paper.versions))
        sent = {
            "client_id": str(uuid.uuid4()),
            "expert": str(expert.pk),
            "question": f"At how many bar does the {paper.secret(number)} valve open?",
        }
        browser = self.browser(self.company.people.index(person))
        browser.post("/api/questions", json.dumps(sent), content_type="application/json")
        expected = said(person, paper, 0) if may else None
        return expected == number, version_of(paper, answered_from()) == number

    def citation(self, person, paper):
        """A passage that the person was once answered with, as page and over the API."""
        number = self.draw.randrange(len(paper.versions))
        passage = cite(person, paper, number)
        page = self.get(person, reverse("chat:passage", args=[passage.pk])).content.decode()
        told = self.get(person, f"/api/answers/{passage.answer_id}").content.decode()
        shown = {paper.secret(number) in page, paper.secret(number) in told}
        return {person.asks and reads(person, paper)}, shown

    @classmethod
    def rights(cls):
        own = ("get", "is_open", "rights")
        return [name for name in vars(cls) if not name.startswith("_") and name not in own]


def version_of(paper, texts):
    """Which of the paper's versions speaks in the texts; there is never more than one."""
    numbers = range(len(paper.versions))
    found = [n for n in numbers if any(paper.secret(n) in text for text in texts)]
    assert len(found) < 2
    return found[0] if found else None


def answered_from():
    """Texts that the worker finds for the question that was just asked, if it was taken."""
    texts = []
    for claim in claim_waiting("w", 1):
        draft = load_draft(claim)
        try:
            check_rights(draft)
            search(draft)
            texts = [passage.text for passage in draft.passages]
        except AnswerFailed as error:
            assert error.code == "refused"
        claim.rows().update(status="complete")
    return texts


def cite(person, paper, number):
    """A passage of an answer that the person got while all was open."""
    conversation = Conversation.objects.create(owner=person.user)
    question = conversation.questions.create(
        client_id=uuid.uuid4(), asker=person.user, text="At how many bar?"
    )
    expert = Answer._meta.get_field("expert_version").related_model.objects.first()
    answer = Answer.objects.create(
        question=question, expert_version=expert, status="complete", text="At some."
    )
    text = f"The {paper.secret(number)} valve opens at {number + 4} bar."
    version = paper.versions[number]
    return Passage.objects.create(
        answer=answer,
        marker=1,
        is_used=True,
        chunk_id=uuid.uuid4(),
        version_id=version.pk,
        document_id=paper.row.pk,
        collection_id=paper.shelf.row.pk,
        text=text,
        sha256=version.sha256,
        kind="text",
        document_title=paper.row.title,
        version_number=number + 1,
        file_sha256=version.sha256,
        media_type="text/plain",
        scores={},
    )


@pytest.mark.django_db
def test_every_route_agrees_with_one_oracle(encoder):
    valkey().flushdb()
    draw = random.Random(20261123)
    company = draw_company(draw)
    routes, rights = Routes(company, draw), Routes.rights()
    seen, wrong = Counter(), []
    for turn in range(TRIPLES):
        right = rights[turn % len(rights)]
        person = draw.choice(company.people)
        # Every other time one that the person may read, if there is any: else most are refused.
        near = [one for one in company.papers if reads(person, one)] if draw.random() < 0.5 else []
        paper = draw.choice(near or company.papers)
        expected, happened = getattr(routes, right)(person, paper)
        seen[right, str(expected)] += 1
        if expected != happened:
            wrong.append(f"{right} {person} {paper}: {expected}, but {happened}")
    assert not wrong, "\n".join(wrong)
    # Each right was granted and refused, often enough to mean something.
    for right in rights:
        outcomes = [count for (name, _), count in seen.items() if name == right]
        assert sum(outcomes) - max(outcomes) >= 4, right
