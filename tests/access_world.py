"""One of everything, owned by one person, and everybody who might want to see it."""

import hashlib
import io
import json
import uuid
from pathlib import Path

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from reportlab.pdfgen.canvas import Canvas

from chat.adapters import register_adapter
from chat.fingerprints import write_manifest
from chat.models import Answer, Citation, Conversation, Expert, Passage, Receipt
from knowledge.models import (
    ArchiveImport,
    Chunk,
    Collection,
    Document,
    DocumentVersion,
    Encoder,
    EncoderSwitch,
    SearchTest,
)
from phi3site.audit.canonical import canonical_json, sha256
from phi3site.audit.recording import record
from tests.conftest import make_user
from training.models import Dataset, Example, Run
from training.uploads import keep_upload

TEXT = "The seal kit of the P-200 pump is SK-17."
LINE = [{"role": "user", "content": "Which kit?"}, {"role": "assistant", "content": "SK-17."}]


def pdf(text):
    """One page with one line."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer)
    canvas.drawString(100, 700, text)
    canvas.save()
    return buffer.getvalue()


class World:
    """People by the names of the access table's columns, and ids by the names in the URLs."""

    def __init__(self, team):
        self.people = {
            "anonymous": None,
            "owner": make_user("alice", "employee", team.name),
            "colleague": make_user("bob", "employee", team.name),
            "stranger": make_user("mallory", "employee", "Other team"),
            "curator": make_user("carla", "curator", team.name),
            "elsewhere": make_user("cyrus", "curator", "Other team"),
            "admin": make_user("adam", "admin"),
            "auditor": make_user("audrey", "auditor"),
        }
        self.ids = {}
        self._knowledge(team)
        self._experts(team)
        self._conversation()
        self._training()

    def _knowledge(self, team):
        owner = self.people["curator"]
        collection = Collection.objects.create(name="Service documents")
        collection.readers.add(team)
        collection.managers.add(team)
        document = Document.objects.create(collection=collection, title="Pump manual", owner=owner)
        content = pdf(TEXT)
        version = DocumentVersion(
            document=document,
            number=1,
            filename="pump.pdf",
            sha256=hashlib.sha256(content).hexdigest(),
            media_type="application/pdf",
            size=len(content),
            page_count=1,
            uploaded_by=owner,
            status="ready",
            chunk_count=1,
            ready_at=timezone.now(),
        )
        version.file.save("pump.pdf", ContentFile(content), save=False)
        version.save()
        self.chunk = Chunk.objects.create(
            version=version,
            collection=collection,
            is_live=True,
            ordinal=1,
            text=TEXT,
            context_text=TEXT,
            tokens=12,
            sha256=sha256(TEXT),
        )
        self.collection, self.version = collection, version
        test = SearchTest.objects.create(owner=owner, person=owner, question="Which kit?")
        self.ids |= {
            "collection_id": collection.pk,
            "document_id": document.pk,
            "version_id": version.pk,
            "chunk_id": self.chunk.pk,
            "switch_id": self._switch().pk,
            "test_id": test.pk,
            "archive_id": self._archive(collection, owner).pk,
            "page": 1,
            "number": 1,
        }

    def _archive(self, collection, owner):
        return ArchiveImport.objects.create(
            collection=collection, started_by=owner, filename="a.zip", size=9, total=1
        )

    def _switch(self):
        former = Encoder.objects.create(name="a", revision="1", dimensions=8, state="active")
        encoder = Encoder.objects.create(name="b", revision="1", dimensions=8)
        return EncoderSwitch.objects.create(former=former, encoder=encoder)

    def _experts(self, team):
        self.expert = Expert.objects.create(name="Service")
        self.expert.groups.add(team)
        version = self.expert.versions.create(number=1, system_prompt="Answer.")
        version.collections.add(self.collection)
        self.expert.live_version = version
        self.expert.save()
        adapter = self._adapter()
        self.ids |= {"expert_id": self.expert.pk, "adapter_id": adapter.pk}

    def _adapter(self):
        folder = Path(settings.DATA_DIR) / "adapters" / "terms"
        folder.mkdir(parents=True)
        (folder / "adapter_config.json").write_text("{}")
        (folder / "adapter_model.safetensors").write_bytes(b"weights")
        write_manifest(folder, base="b" * 64)
        return register_adapter(
            folder, name="Terms", base_model="demo", method="lora", rank=8, target_modules=[]
        )

    def _conversation(self):
        owner = self.people["owner"]
        conversation = Conversation.objects.create(owner=owner, title="Seal kits")
        question = conversation.questions.create(
            client_id=uuid.uuid4(), asker=owner, text="Which seal kit fits the P-200?"
        )
        self.answer = Answer.objects.create(
            question=question,
            expert_version=self.expert.live_version,
            status="complete",
            text=TEXT,
            finished_at=timezone.now(),
        )
        passage = self._passage()
        Citation.objects.create(
            answer=self.answer,
            start=0,
            end=len(TEXT),
            passage=passage,
            support=0.9,
            verdict="supported",
            passage_start=0,
            passage_end=len(TEXT),
        )
        self._receipt()
        self.ids |= {
            "conversation_id": conversation.pk,
            "question_id": question.pk,
            "answer_id": self.answer.pk,
            "part_id": self.answer.pk,
            "share_id": conversation.shares.create(title="Seal kits", answers=[self.answer.pk]).pk,
            "passage_id": passage.pk,
        }

    def _passage(self):
        return Passage.objects.create(
            answer=self.answer,
            marker=1,
            chunk_id=self.chunk.pk,
            version_id=self.version.pk,
            document_id=self.version.document_id,
            collection_id=self.collection.pk,
            text=TEXT,
            sha256=sha256(TEXT),
            kind="text",
            document_title="Pump manual",
            version_number=1,
            file_sha256=self.version.sha256,
            media_type="application/pdf",
            page=1,
            scores={"dense": {"rank": 1, "score": 0.7}},
        )

    def _receipt(self):
        body = canonical_json({"answer": {"id": self.answer.pk, "text": TEXT}})
        seq = record("answer.completed", target=self.answer, details={"receipt": sha256(body)})
        Receipt.objects.create(answer=self.answer, body=body, sha256=sha256(body), audit_seq=seq)

    def _training(self):
        dataset = Dataset.objects.create(name="Terms", filename="terms.jsonl", sha256="d" * 64)
        Example.objects.create(dataset=dataset, line=1, messages=LINE, sha256="e" * 64)
        run = Run.objects.create(name="Terms", dataset=dataset, recipe={}, base_model="demo")
        table = io.BytesIO(b"Frage,Antwort\nWelche?,SK-17.\n")
        admin = self.people["admin"]
        upload = keep_upload("Fragen", table, filename="fragen.csv", actor=admin)
        self.ids |= {"dataset_id": dataset.pk, "run_id": run.pk, "line": 1}
        self.ids |= {"upload_id": upload.pk}

    def file(self, name):
        """A file to send, of the kind that its name says."""
        content = json.dumps({"messages": LINE}) if name.endswith("l") else "# Seals\n\nSK-18."
        return SimpleUploadedFile(name, content.encode())
