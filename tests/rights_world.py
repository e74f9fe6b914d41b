"""A company drawn by lot: who is in which group, who reads what, from when until when.

What was drawn is kept as plain facts beside the rows, so that an oracle can be asked that knows
none of the product's queries.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import product
from typing import Any

from django.contrib.auth.models import Group
from django.core.files.base import ContentFile
from django.utils import timezone

from chat.models import Expert
from knowledge import embedding
from knowledge.models import Chunk, ChunkEmbedding, Collection, Document, DocumentVersion
from knowledge.purging import purge
from knowledge.registry import row_of
from knowledge.serving import refresh_live
from knowledge.shelving import trash_collection
from knowledge.versions import trash
from phi3site.audit.canonical import sha256
from tests.conftest import make_user

TEAMS = ("north", "south", "east", "west")
ROLES = ("employee", "curator", "admin", "auditor")
DAYS = (None, -30, -1, 0, 1, 30)
# Words that no stemmer shortens and that no other text holds.
WORDS = ["".join(parts) for parts in product(("bro", "kla", "tru", "gno"), ("mbak", "ndok"), "uao")]


@dataclass
class Person:
    """Somebody with a role; `groups` holds the role, too."""

    groups: set[str]
    is_active: bool
    user: Any = field(repr=False)

    @property
    def is_admin(self) -> bool:
        return "admin" in self.groups

    @property
    def asks(self) -> bool:
        return bool(self.groups & {"employee", "curator", "admin"})


@dataclass
class Shelf:
    """A collection."""

    readers: set[str]
    managers: set[str]
    row: Any = field(repr=False)


@dataclass
class Paper:
    """A document; `firsts` are the first days of its versions, by days from today."""

    shelf: Shelf
    readers: set[str]
    state: str
    last_day: int | None
    firsts: list[int | None]
    row: Any = field(repr=False)
    versions: list[Any] = field(default_factory=list, repr=False)

    def secret(self, number: int) -> str:
        """The word that stands in one version only."""
        return self.row.title.split()[0].lower() + WORDS[number]


@dataclass
class Company:
    """Everybody and everything."""

    people: list[Person]
    shelves: list[Shelf]
    papers: list[Paper]
    # An expert, and the shelves that it looks things up on.
    experts: list[tuple[Any, list[Shelf]]]


def draw_company(draw: Any) -> Company:
    """A company of a dozen people and some forty documents."""
    people = [_person(draw, n, ROLES[n % len(ROLES)]) for n in range(14)]
    shelves = [_shelf(draw, n) for n in range(6)]
    admin = next(person.user for person in people if person.is_admin)
    names = [word.title() + end for word in WORDS for end in "xz"]
    papers = [_paper(draw, name, draw.choice(shelves), admin) for name in names[:-4]]
    experts = [_expert(n, draw.sample(shelves, 4)) for n in range(2)]
    deleted = _shelf(draw, len(shelves))
    papers += [_paper(draw, name, deleted, admin) for name in names[-4:]]
    _delete(deleted, papers, admin)
    return Company(people, [*shelves, deleted], papers, experts)


def _person(draw: Any, number: int, role: str) -> Person:
    groups = {role, *draw.sample(TEAMS, draw.choice((0, 1, 1, 2)))}
    user = make_user(f"person-{number}", *groups)
    # The first of each role stays.
    user.is_active = number < len(ROLES) or draw.random() > 0.2
    user.save()
    return Person(groups, user.is_active, user)


def _groups(names: set[str]) -> list[Any]:
    return [Group.objects.get_or_create(name=name)[0] for name in sorted(names)]


def _shelf(draw: Any, number: int) -> Shelf:
    readers = set(draw.sample((*TEAMS, "employee"), draw.choice((0, 1, 2))))
    managers = set(draw.sample(TEAMS, draw.choice((0, 1, 2))))
    row = Collection.objects.create(name=f"Shelf {number}")
    row.readers.set(_groups(readers))
    row.managers.set(_groups(managers))
    return Shelf(readers, managers, row)


def _delete(shelf: Shelf, papers: list[Paper], admin: Any) -> None:
    """Of a deleted collection all documents are in the trash, or further."""
    trash_collection(shelf.row, actor=admin)
    for paper in papers:
        if paper.shelf is shelf and paper.state == "active":
            paper.state = "trashed"
            paper.row.refresh_from_db()


def _paper(draw: Any, name: str, shelf: Shelf, admin: Any) -> Paper:
    readers = set(draw.sample(TEAMS, draw.choice((0, 0, 0, 1, 2))))
    last_day = draw.choice((None, None, None, -1, 0, 1))
    until = None if last_day is None else day_of(last_day)
    row = Document.objects.create(collection=shelf.row, title=f"{name} rules", expires_on=until)
    row.readers.set(_groups(readers))
    state = draw.choice(("active",) * 6 + ("trashed", "purged"))
    firsts = [draw.choice(DAYS) for _ in range(draw.choice((1, 1, 2, 3)))]
    paper = Paper(shelf, readers, state, last_day, firsts, row)
    paper.versions = [_version(paper, number) for number in range(len(firsts))]
    refresh_live(row)
    if state != "active":
        trash(row, actor=admin)
    if state == "purged":
        purge(row, actor=admin)
    return paper


def day_of(offset: int) -> Any:
    return timezone.localdate() + timedelta(days=offset)


def _version(paper: Paper, number: int) -> Any:
    """A finished version with one chunk, which holds its secret."""
    text = f"The {paper.secret(number)} valve opens at {number + 4} bar."
    first, is_last = paper.firsts[number], number == len(paper.firsts) - 1
    version = DocumentVersion(
        document=paper.row,
        number=number + 1,
        filename="rules.txt",
        sha256=sha256(text),
        media_type="text/plain",
        size=len(text),
        status="ready" if is_last else "superseded",
        effective_from=None if first is None else day_of(first),
    )
    version.file.save("rules.txt", ContentFile(text.encode()), save=False)
    version.save()
    chunk = Chunk.objects.create(
        version=version,
        collection=paper.shelf.row,
        is_live=True,
        ordinal=0,
        text=text,
        context_text=f"{paper.row.title}\n{text}",
        tokens=8,
        sha256=sha256(text),
    )
    encoder = embedding.get_encoder()
    vector = encoder.encode_passages([chunk.context_text])[0]
    ChunkEmbedding.objects.create(chunk=chunk, encoder=row_of(encoder), vector=vector)
    return version


def _expert(number: int, shelves: list[Shelf]) -> tuple[Any, list[Shelf]]:
    """An expert that everybody may ask, whatever they read."""
    expert = Expert.objects.create(name=f"Expert {number}")
    version = expert.versions.create(number=1, system_prompt="Answer.")
    version.collections.set([shelf.row for shelf in shelves])
    expert.live_version = version
    expert.save()
    return expert, shelves
