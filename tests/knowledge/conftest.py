"""Files of every kind, made here, and documents that went all the way."""

import io
import socket
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from django.core.files.base import ContentFile

from chat.models import Answer, Conversation, Expert, Passage
from knowledge.embedding import EncoderSpec
from knowledge.encoder_acts import switch_to
from knowledge.ingestion import ingest
from knowledge.uploads import upload_document

ROOT = Path(__file__).resolve().parents[2]
MANUAL = """# Pump manual

Read this before you open the pump.

## Seals

The seal kit of the P-200 is SK-17. Change it every 4,000 hours.

## Oil

Use oil of grade 46. Change the oil every 500 hours.
"""


def make_pdf(pages=2):
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Table

    style, buffer = getSampleStyleSheet(), io.BytesIO()
    story = [
        Paragraph("1 Safety", style["Heading1"]),
        Paragraph("Wear gloves when you touch hot parts of the machine.", style["BodyText"]),
        Table(
            [["Part", "Price", "Stock"], ["Seal kit", "12.50", "4"], ["Bearing", "40.00", "9"]],
            style=[("GRID", (0, 0), (-1, -1), 1, "black")],
        ),
    ]
    for number in range(2, pages + 1):
        text = f"Chapter {number} tells about step {number} of the yearly service."
        story += [PageBreak(), Paragraph(f"{number} Service", style["Heading1"])]
        story.append(Paragraph(text, style["BodyText"]))
    SimpleDocTemplate(buffer, pagesize=A4).build(story)
    return buffer.getvalue()


def make_docx():
    import docx

    document, buffer = docx.Document(), io.BytesIO()
    document.add_heading("Leave policy", 1)
    document.add_paragraph("You have 28 days of holiday.")
    table = document.add_table(2, 2)
    for cell, text in zip(table._cells, ("Reason", "Days", "Wedding", "2"), strict=True):
        cell.text = text
    document.save(buffer)
    return buffer.getvalue()


def make_pptx():
    import pptx

    deck, buffer = pptx.Presentation(), io.BytesIO()
    for title, text in (("Launch", "We start in May"), ("Costs", "It costs 900 euro")):
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text, slide.placeholders[1].text = title, text
    deck.save(buffer)
    return buffer.getvalue()


def make_xlsx(rows=(("Part", "Price"), ("Seal kit", 12.5), ("Bearing", 40))):
    import openpyxl

    book, buffer = openpyxl.Workbook(), io.BytesIO()
    book.active.title = "Prices"
    for row in rows:
        book.active.append(row)
    book.save(buffer)
    return buffer.getvalue()


@pytest.fixture
def upload(collection, curator):
    """Uploads bytes under a name."""

    def upload(data=MANUAL, name="pump-manual.md", into=None, **options):
        data = data.encode() if isinstance(data, str) else data
        file = ContentFile(data, name=name)
        return upload_document(into or collection, file, actor=curator, **options)

    return upload


@pytest.fixture
def ingested(upload, encoder):
    """Uploads and ingests; the version as it is then."""

    def ingested(*args, **options):
        version = upload(*args, **options)
        ingest(str(version.pk))
        version.refresh_from_db()
        return version

    return ingested


@pytest.fixture(scope="session")
def embedding_server():
    """The address of a server of `/v1/embeddings`, running as a process of its own."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        command = [*("-m", "uvicorn", "tests.knowledge.embedding_server:app")]
        command += ["--fd", str(listener.fileno()), "--log-level", "error"]
        process = subprocess.Popen(
            [sys.executable, *command], pass_fds=[listener.fileno()], cwd=ROOT
        )
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        finally:
            process.terminate()
            process.wait()


@pytest.fixture
def served(embedding_server, settings):
    """The address of a model of the test's server; the first encoder is one of 16 dimensions."""
    settings.KNOWLEDGE_ENCODER_SERVERS = [embedding_server]
    settings.KNOWLEDGE_ENCODER = f"{embedding_server}#hash-16"
    return lambda model: f"{embedding_server}#{model}"


@pytest.fixture
def upload_ready(upload, served):
    """Uploads and ingests with whatever encoder is active."""

    def upload_ready(*args, **options):
        version = upload(*args, **options)
        ingest(str(version.pk))
        version.refresh_from_db()
        assert version.status == "ready"
        return version

    return upload_ready


@pytest.fixture
def begun(upload_ready, served, admin):
    """A document that is searched, and a switch to 24 dimensions that has just begun."""
    upload_ready()
    upload_ready(make_xlsx([("Part", "Price"), *((f"P-{n}", n) for n in range(40))]), "p.xlsx")
    return switch_to(EncoderSpec(served("hash-24")), actor=admin)


@pytest.fixture
def cited(alice):
    """A passage of an answer of alice's, taken from a version."""

    def cited(version):
        expert = Expert.objects.create(name="Service")
        conversation = Conversation.objects.create(owner=alice, title="Seals")
        question = conversation.questions.create(client_id=uuid.uuid4(), asker=alice, text="Kit?")
        answer = Answer.objects.create(
            question=question,
            expert_version=expert.versions.create(number=1, system_prompt="Answer."),
            status="complete",
        )
        return Passage.objects.create(
            answer=answer,
            marker=1,
            chunk_id=uuid.uuid4(),
            version_id=version.pk,
            document_id=version.document_id,
            collection_id=version.document.collection_id,
            text="The kit is SK-17.",
            sha256="",
            kind="text",
            document_title="Pump manual",
            version_number=1,
            file_sha256="",
            media_type="application/pdf",
            page=1,
        )

    return cited
