"""The three stories and the trace, from end to end, with the real models.

Real: the demo base model in its batch, the packaged encoder, Postgres, Valkey, the training
process. The steps are called one after another here; processes and pages have tests of their own.
"""

import asyncio
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings as configured
from django.core.files import File
from django.urls import reverse

from chat.adapters import adapter_ref, verify_adapter
from chat.answering import answer
from chat.asking import ask
from chat.engine import Message, Sampling, get_engine
from chat.experts import create_expert
from chat.leases import claim_waiting
from chat.models import Adapter, Citation
from chat.receipts import verify_receipt
from knowledge.ingestion import ingest
from knowledge.models import Document
from knowledge.retrieval import retrieve
from knowledge.uploads import upload_document
from phi3site.audit.verifying import verify_chain
from phi3site.valkey import async_client
from tests.conftest import make_user
from training.datasets import import_dataset
from training.models import Run
from training.recipes import presets
from training.runs import start_run
from training.tasks import execute_run

pytestmark = [pytest.mark.story, pytest.mark.django_db(transaction=True)]

DEMO = Path(__file__).resolve().parent.parent / "phi3site" / "demo"
MANUAL = DEMO / "documents" / "service" / "heron-operating-manual.pdf"
SEAL = "Our Heron 80 leaks at the shaft, what's the order number of the seal kit?"


@pytest.fixture(scope="module")
def base_model():
    """The demo base model; made once and kept, since making it takes half a minute."""
    from chat.engine.demo import prepare_demo_model

    return prepare_demo_model(Path(configured.BASE_MODEL))


@pytest.fixture(scope="module")
def engine(base_model):
    """Phi-3's engine as a worker starts it."""
    engine = get_engine("phi3", base_model=str(base_model))
    yield engine
    engine.close()


@pytest.fixture
def manual(collection, curator):
    """The operating manual, gone all the way from upload to ready."""
    with MANUAL.open("rb") as file:
        version = upload_document(collection, File(file, MANUAL.name), actor=curator)
    ingest(version.pk)
    version.refresh_from_db()
    return version


def answer_all(engine, *answers):
    """Runs the queued answers side by side, as a worker does, and reloads them."""

    async def run():
        valkey = async_client()
        claims = await asyncio.to_thread(claim_waiting, "story", len(answers))
        work = [answer(c, engine, valkey=valkey, stop=asyncio.Event()) for c in claims]
        await asyncio.gather(*work)
        await valkey.aclose()

    asyncio.run(run())
    for one in answers:
        one.refresh_from_db()


def test_a_document_becomes_passages(manual, alice):
    """Every page is searchable, and a question finds the page that answers it."""
    assert manual.status == "ready", manual.error
    assert manual.page_count == 15
    assert {"extracting", "chunking", "embedding", "indexing"} <= manual.timings.keys()
    shown = {box["page"] for chunk in manual.chunks.all() for box in chunk.boxes}
    assert shown >= set(range(3, 16))

    found = retrieve(SEAL, user=alice, collections=None)

    assert any("SK-22" in passage.text for passage in found.passages)
    best = next(passage for passage in found.passages if "SK-22" in passage.text)
    assert best.page in {10, 12}
    assert best.boxes


def test_a_question_becomes_a_cited_answer(engine, manual, collection, team, alice, admin):
    """Two questions at once: one is answered from the manual, the other honestly not."""
    expert = create_expert("Service", actor=admin, collections=[collection], groups=[team])
    known = ask(alice, client_id=uuid4(), question=SEAL, expert_id=expert.pk)
    unknown = ask(
        alice, client_id=uuid4(), question="Who painted the Mona Lisa?", expert_id=expert.pk
    )

    answer_all(engine, known, unknown)

    assert known.status == "complete", known.error
    assert known.text.strip()
    assert not known.is_abstention
    spans = [known.text[c.start : c.end] for c in known.citations.all()]
    assert spans
    for citation in known.citations.exclude(verdict=Citation.Verdict.UNSUPPORTED):
        assert citation.passage.document_title == Document.objects.get().title
    assert unknown.is_abstention
    assert collection.name in unknown.text
    for one in (known, unknown):
        assert verify_receipt(one.receipt).is_intact
    assert verify_chain().is_intact


def test_a_stranger_gets_nothing_of_the_manual(engine, manual, collection, admin, mallory):
    """The expert is open to all, the collection is not: nothing of it reaches the answer."""
    expert = create_expert("Open", actor=admin, collections=[collection])
    asked = ask(mallory, client_id=uuid4(), question=SEAL, expert_id=expert.pk)

    answer_all(engine, asked)

    assert (asked.status, asked.error_code) == ("failed", "refused")
    assert not asked.passages.exists()
    assert not asked.text
    assert "SK-22" not in asked.receipt.body


def test_a_dataset_becomes_an_adapter_that_answers(engine, base_model, settings, team, alice):
    """A short real run on the demo facts; the expert with the adapter recalls one of them."""
    settings.BASE_MODEL = str(base_model)
    admin = make_user("adele", "admin")
    with (DEMO / "dataset_small.jsonl").open("rb") as file:
        dataset = import_dataset("Facts", file, actor=admin, filename="facts.jsonl")
    recipe = replace(
        presets(is_demo=True)["quick"],
        gradient_accumulation_steps=1,
        max_steps=10,
        eval_steps=10,
        save_steps=5,
    )
    run = start_run(dataset, recipe, name="Facts", actor=admin)

    execute_run(str(run.pk))

    run.refresh_from_db()
    assert run.status == Run.Status.FINISHED, run.error
    losses = [m.values["loss"] for m in run.metrics.filter(kind="train").order_by("step")]
    assert sum(losses[-4:]) / 4 < losses[0] * 0.7
    adapter = Adapter.objects.get(run_id=run.pk)
    assert not verify_adapter(adapter)
    assert adapter.base_fingerprint == engine.fingerprint.base

    expert = create_expert("Tuned", actor=admin, adapter=adapter, groups=[team])
    example = dataset.examples.filter(split="train").order_by("line").first()
    asked = ask(
        alice,
        client_id=uuid4(),
        question=next(m["content"] for m in example.messages if m["role"] == "user"),
        expert_id=expert.pk,
    )
    answer_all(engine, asked)

    assert asked.status == "complete", asked.error
    assert adapter_ref(adapter).name in asked.receipt.body
    base = asyncio.run(reply(engine, example.messages[:-1]))
    assert asked.text != base


async def reply(engine, messages: list[Message]) -> str:
    """What the base model alone says."""
    prompt = engine.render(messages)
    pieces = [piece.text async for piece in engine.stream(prompt, Sampling(max_tokens=48))]
    return "".join(pieces)


def test_an_auditor_traces_an_answer(engine, manual, collection, team, alice, auditor, client):
    """From the list to the receipt, and on to the page that the answer rests on."""
    expert = create_expert("Service", actor=None, collections=[collection], groups=[team])
    asked = ask(alice, client_id=uuid4(), question=SEAL, expert_id=expert.pk)
    answer_all(engine, asked)
    client.force_login(auditor)

    listing = client.get(reverse("chat:traces"))
    page = client.get(reverse("chat:receipt", args=[asked.pk]))

    assert str(asked.pk) in listing.content.decode()
    html = page.content.decode()
    assert engine.fingerprint.weights[:12] in html
    assert asked.receipt.sha256[:12] in html
    passage = asked.passages.first()
    assert client.get(reverse("chat:source", args=[passage.pk])).status_code == 200
    assert verify_chain().is_intact
