"""Loads the demo: people, teams, collections, documents, experts and the example dataset.

Safe to repeat: what exists by its name is left as it is, so that nobody's changes are undone. What
a break left out is made the next time. Documents go the way of every upload.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.contrib.auth.models import Group, User
from django.core.files import File
from django.db import transaction

from chat.experts import create_expert
from chat.models import Expert
from knowledge.models import Collection, Document
from knowledge.uploads import title_of, upload_document
from phi3site.audit.recording import record
from phi3site.demo import DATASET, DOCUMENTS, SOURCES
from phi3site.demo.blocks import read_source
from phi3site.demo.people import OFFICE, PASSWORD, PEOPLE, SERVICE
from phi3site.roles import ADMIN
from training.datasets import import_dataset
from training.models import Dataset

DATASET_NAME = "Demo: company facts"


@dataclass(frozen=True)
class Shelf:
    """A demo collection: its folder of documents and the team that reads and manages it."""

    folder: str
    name: str
    description: str
    team: str


SHELVES = (
    Shelf(
        "service",
        "Service & safety",
        "Manuals, bulletins, parts and prices of our machines, and the rules of safe work.",
        SERVICE,
    ),
    Shelf(
        "office",
        "People & policies",
        "Leave, travel, quality, IT and everyday matters of our four places.",
        OFFICE,
    ),
)


@dataclass(frozen=True)
class Desk:
    """A demo expert: what it reads and who may ask it."""

    name: str
    description: str
    shelves: tuple[str, ...]
    teams: tuple[str, ...]
    examples: tuple[str, ...]


DESKS = (
    Desk(
        "Service expert",
        "Answers about machines, parts, warranty and safety.",
        ("service",),
        (SERVICE,),
        (
            "What does fault code E22 mean?",
            "How much grease goes into a bearing of the Heron 120?",
            "What is replaced by service bulletin SB-26-04?",
        ),
    ),
    Desk(
        "Office expert",
        "Answers about leave, travel, quality and IT rules.",
        ("office",),
        (OFFICE,),
        (
            "How many days of holiday can I carry into the next year?",
            "What may a hotel room cost?",
            "How soon must a lost laptop be reported?",
        ),
    ),
    Desk(
        "All documents",
        "Searches everything that you may read.",
        ("service", "office"),
        (SERVICE, OFFICE),
        ("Who is the Safety Officer?", "What is a FOX number?"),
    ),
    Desk(
        "Phi-3 without documents",
        "The base model alone, to compare with. It knows nothing of the company.",
        (),
        (SERVICE, OFFICE),
        ("What does a centrifugal pump do?",),
    ),
)


def load_demo() -> Iterator[str]:
    """Makes what is missing; yields a line for each thing made."""
    yield from load_people()
    carla, adam = (User.objects.get(username=name) for name in ("carla", "adam"))
    shelves = {shelf.folder: load_shelf(shelf, adam) for shelf in SHELVES}
    for folder, collection in shelves.items():
        if collection.state == Collection.State.ACTIVE:
            yield from load_documents(DOCUMENTS / folder, collection, carla)
    for desk in DESKS:
        yield from load_desk(desk, shelves, adam)
    yield from load_dataset(adam)


def load_people() -> Iterator[str]:
    """Teams and accounts. An account that exists keeps its password and groups."""
    for person in PEOPLE:
        with transaction.atomic():
            user, created = User.objects.get_or_create(
                username=person.username,
                defaults={
                    "first_name": person.first_name,
                    "last_name": person.last_name,
                    "is_staff": person.role == ADMIN,
                },
            )
            if not created:
                continue
            user.set_password(PASSWORD)
            user.save()
            names = (person.role, *person.teams)
            user.groups.set([Group.objects.get_or_create(name=name)[0] for name in names])
            yield f"{person.username} joined"


@transaction.atomic
def load_shelf(shelf: Shelf, actor: User) -> Collection:
    """The collection, which its team reads, and manages where a role allows it."""
    # A deleted one counts, too: who deleted it doesn't want it back.
    collection = Collection.objects.filter(name=shelf.name).order_by("state").first()
    if collection is None:
        collection = Collection.objects.create(name=shelf.name, description=shelf.description)
        team, _ = Group.objects.get_or_create(name=shelf.team)
        collection.readers.set([team])
        collection.managers.set([team])
        details = {"name": collection.name, "readers": [team.name], "managers": [team.name]}
        record("collection.created", actor=actor, target=collection, details=details)
    return collection


def load_documents(folder: Path, collection: Collection, actor: User) -> Iterator[str]:
    """Uploads the files whose title the collection has never held, not even in its trash."""
    titles = set(Document.objects.filter(collection=collection).values_list("title", flat=True))
    names = listed_titles(folder.name)
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        title = names.get(path.name) or title_of(path.name)
        if title in titles:
            continue
        with path.open("rb") as file:
            upload_document(collection, File(file, path.name), actor=actor, title=title)
        yield f"{collection.name}: {title} uploaded"


def listed_titles(folder: str) -> dict[str, str]:
    """File name -> title, for the documents that were written as prose."""
    sources = (read_source(path) for path in sorted((SOURCES / folder).glob("*.md")))
    return {source.file: source.listed for source in sources}


def load_desk(desk: Desk, shelves: dict[str, Collection], actor: User) -> Iterator[str]:
    """The expert, live at once, unless one of this name was ever made."""
    if Expert.objects.filter(name=desk.name).exists():
        return
    create_expert(
        desk.name,
        actor=actor,
        collections=[shelves[folder] for folder in desk.shelves],
        description=desk.description,
        groups=Group.objects.filter(name__in=desk.teams),
        examples=desk.examples,
    )
    yield f"{desk.name} answers"


def load_dataset(actor: User) -> Iterator[str]:
    """The examples, ready for a run that an admin starts."""
    if Dataset.objects.filter(name=DATASET_NAME).exists():
        return
    with DATASET.open("rb") as file:
        import_dataset(DATASET_NAME, file, actor=actor, filename=DATASET.name)
    yield f"dataset {DATASET_NAME} imported"


def sign_ins() -> str:
    """The accounts as a table for people, with the password that all of them share."""
    rows = [(person.username, PASSWORD, person.role, person.can) for person in PEOPLE]
    table = [("sign in as", "password", "role", ""), *rows]
    widths = [max(len(row[column]) for row in table) for column in range(3)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]])
        for row in table
    )
