import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from django.conf import settings as site
from django.db import connection
from django.utils import timezone

from knowledge import ingestion
from knowledge.attempts import Attempt, AttemptLost
from knowledge.errors import StateConflict
from knowledge.ingestion import ingest
from knowledge.models import Chunk, ChunkEmbedding, Document, DocumentVersion, Encoder, TableRow
from knowledge.models.versions import DEAD_AFTER
from knowledge.reconciling import reconcile
from knowledge.registry import described
from knowledge.retrieval import retrieve
from knowledge.versions import cancel, restore, retry, trash
from phi3site.audit.models import AuditEvent
from tests.fakes import HashEncoder
from tests.knowledge.conftest import MANUAL, make_pdf, make_xlsx


def fingerprint(version):
    return list(version.chunks.order_by("ordinal").values_list("pk", "ordinal", "kind", "sha256"))


def set_row(version, **values):
    DocumentVersion.objects.filter(pk=version.pk).update(**values)


@pytest.mark.django_db
class TestTheWay:
    def test_ends_in_searchable_passages(self, ingested):
        version = ingested(make_pdf(2), "service.pdf")
        assert (version.status, version.error) == ("ready", "")
        assert version.chunk_count == version.chunks.count() == version.progress
        assert list(version.timings) and set(version.timings) == {
            "queued",
            "extracting",
            "chunking",
            "embedding",
            "indexing",
        }
        chunk = version.chunks.get(ordinal=0)
        assert chunk.is_live and chunk.page == 1 and chunk.boxes[0]["page"] == 1
        assert chunk.headings == ["1 Safety"]
        assert ChunkEmbedding.objects.filter(chunk__version=version).count() == version.chunk_count
        assert AuditEvent.objects.filter(action="document.ingested").exists()

    def test_keeps_typed_rows_of_tables(self, ingested):
        version = ingested(make_xlsx(), "prices.xlsx")
        table = version.tables.get()
        price = table.columns[1]
        assert (price["name"], price["type"]) == ("Price", "decimal")
        assert list(TableRow.objects.values_list("texts", "cells")) == [
            (["Seal kit", "12.5"], [None, 12.5]),
            (["Bearing", "40"], [None, 40]),
        ]

    def test_says_why_it_failed_and_can_be_tried_again(self, ingested, curator):
        version = ingested(b"%PDF-1.7 nothing", "broken.pdf")
        assert (version.status, version.error_code) == ("failed", "file_damaged")
        assert AuditEvent.objects.filter(action="document.failed").exists()
        retry(version, actor=curator)
        ingest(str(version.pk))
        version.refresh_from_db()
        assert (version.status, version.attempt) == ("failed", 2)

    def test_a_second_call_changes_nothing(self, ingested):
        version = ingested()
        before = fingerprint(version)
        ingest(str(version.pk))
        version.refresh_from_db()
        assert (version.attempt, fingerprint(version)) == (1, before)

    def test_each_chunk_keeps_its_own_vector_whatever_is_encoded_first(self, ingested, monkeypatch):
        monkeypatch.setattr(ingestion, "EMBEDDING_BATCH", 4)
        words = (f"## Part {n}\n\n{'The seal is new. ' * (n * 7 % 11 + 1)}\n" for n in range(15))
        version = ingested("# Parts\n\n" + "\n".join(words), "parts.md")
        stored = ChunkEmbedding.objects.filter(chunk__version=version).select_related("chunk")
        assert len(stored) == version.chunk_count > 12
        for one in stored:
            expected = HashEncoder().encode_passages([one.chunk.context_text])[0]
            assert np.allclose(one.vector, expected, atol=1e-3)

    def test_a_missing_file_is_said(self, upload, encoder):
        from knowledge.storage import path_of

        version = upload()
        path_of(version.file.name).unlink()
        ingest(str(version.pk))
        version.refresh_from_db()
        assert version.error_code == "file_missing"


@pytest.mark.django_db
class TestVersions:
    def test_the_old_one_answers_until_the_new_one_is_ready(self, ingested, upload, bob):
        first = ingested()
        second = upload(MANUAL.replace("SK-17", "SK-99"))
        assert "SK-17" in retrieve("seal kit", user=bob, collections=None).passages[0].text
        ingest(str(second.pk))
        first.refresh_from_db()
        passages = retrieve("seal kit", user=bob, collections=None).passages
        assert {passage.version_id for passage in passages} == {second.pk}
        assert first.status == "superseded"
        assert first.chunks.exists() and not first.chunks.filter(is_live=True).exists()

    def test_a_new_one_that_fails_leaves_the_old_one(self, ingested, upload, bob):
        first = ingested()
        second = upload(b"%PDF-1.7 nothing", "a.pdf", document=first.document)
        ingest(str(second.pk))
        first.refresh_from_db()
        assert first.status == "ready"
        assert retrieve("seal kit", user=bob, collections=None).passages

    def test_an_older_one_that_is_late_does_not_come_back(self, ingested, upload, bob):
        late = upload()
        newer = ingested(MANUAL.replace("SK-17", "SK-99"))
        ingest(str(late.pk))
        late.refresh_from_db()
        assert late.status == "superseded"
        passages = retrieve("seal kit", user=bob, collections=None).passages
        assert {passage.version_id for passage in passages} == {newer.pk}

    def test_trash_and_restore(self, ingested, curator, bob):
        document = ingested().document
        trash(document, actor=curator)
        assert not retrieve("seal kit", user=bob, collections=None).passages
        with pytest.raises(StateConflict):
            trash(document, actor=curator)
        restore(document, actor=curator)
        assert retrieve("seal kit", user=bob, collections=None).passages

    def test_what_waited_in_the_trash_waits_again_but_not_what_was_cancelled(
        self, upload, encoder, curator
    ):
        waiting, cancelled = upload(), upload("Other words.", "other.txt")
        cancel(cancelled, actor=curator)
        for version in (waiting, cancelled):
            trash(version.document, actor=curator)
            version.refresh_from_db()
            assert version.status == "cancelled"
            restore(version.document, actor=curator)
            version.refresh_from_db()
        assert (waiting.status, cancelled.status) == ("queued", "cancelled")
        ingest(str(waiting.pk))
        assert Chunk.objects.filter(version=waiting, is_live=True).exists()

    def test_a_document_trashed_on_its_way_stays_out(self, upload, encoder, curator, monkeypatch):
        version = upload()
        real = ingestion._embed

        def embed(*args):
            Document.objects.filter(pk=version.document_id).update(state="trashed")
            return real(*args)

        monkeypatch.setattr(ingestion, "_embed", embed)
        ingest(str(version.pk))
        assert not Chunk.objects.filter(is_live=True).exists()


@pytest.mark.django_db
class TestSwitchedEncoders:
    def test_vectors_of_an_encoder_that_was_switched_from_are_made_anew(
        self, upload, ingested, encoder, monkeypatch
    ):
        ingested("# Oil\n\nUse oil of grade 46.", name="oil.md")
        version, real = upload(), ingestion._embed
        other = HashEncoder()
        other.name = "other"

        def embed(*args):
            made = real(*args)
            Encoder.objects.filter(name=encoder.name).update(state="retired")
            Encoder.objects.create(**described(other), state="active")
            monkeypatch.setattr("knowledge.embedding.get_encoder", lambda: other)
            monkeypatch.setattr(ingestion, "_embed", real)
            return made

        monkeypatch.setattr(ingestion, "_embed", embed)
        ingest(str(version.pk))
        version.refresh_from_db()
        assert (version.status, version.tries, version.chunks.count()) == ("queued", 0, 0)
        ingest(str(version.pk))
        version.refresh_from_db()
        assert version.status == "ready"
        used = ChunkEmbedding.objects.filter(chunk__version=version).values("encoder__name")
        assert {row["encoder__name"] for row in used} == {"other"}


@pytest.mark.django_db
class TestAttempts:
    def test_a_living_worker_is_left_alone(self, upload):
        version = upload()
        assert Attempt.claim(str(version.pk)) is not None
        assert Attempt.claim(str(version.pk)) is None

    def test_a_dead_workers_version_is_taken_over_and_its_writes_refused(self, upload):
        version = upload()
        dead = Attempt.claim(str(version.pk))
        set_row(version, heartbeat_at=timezone.now() - 2 * DEAD_AFTER)
        alive = Attempt.claim(str(version.pk))
        assert alive.number == dead.number + 1
        with pytest.raises(AttemptLost):
            dead.write(progress=7)
        alive.write(progress=8)

    def test_cancel_ends_it_without_a_trace(self, upload, encoder, curator, monkeypatch):
        version = upload()
        real = ingestion._chunks

        def chunks(*args):
            cancel(version, actor=curator)
            return real(*args)

        monkeypatch.setattr(ingestion, "_chunks", chunks)
        ingest(str(version.pk))
        version.refresh_from_db()
        assert version.status == "cancelled"
        assert not Chunk.objects.exists()
        with pytest.raises(StateConflict):
            cancel(version, actor=curator)

    def test_three_crashes_are_enough(self, upload, encoder, monkeypatch):
        version = upload()

        def broken(*args):
            raise RuntimeError("a bug")

        monkeypatch.setattr(ingestion, "_chunks", broken)
        for number in (1, 2, 3):
            with pytest.raises(RuntimeError):
                ingest(str(version.pk))
            version.refresh_from_db()
            assert version.tries == number
        assert (version.status, version.error_code) == ("failed", "ingestion_crashed")

    def test_three_deaths_are_enough(self, upload, encoder):
        version = upload()
        set_row(version, status="embedding", tries=3, attempt=3, heartbeat_at=None)
        ingest(str(version.pk))
        version.refresh_from_db()
        assert version.error_code == "ingestion_crashed"


@pytest.mark.django_db
class TestReconciling:
    @pytest.fixture
    def queued(self, monkeypatch):
        queued = []
        monkeypatch.setattr("knowledge.reconciling.enqueue_ingestion", queued.append)
        return queued

    @pytest.mark.parametrize(
        ("values", "is_queued"),
        [
            ({"status": "queued"}, True),
            ({"status": "embedding"}, True),
            ({"status": "embedding", "heartbeat_at": timezone.now() - 2 * DEAD_AFTER}, True),
            ({"status": "embedding", "heartbeat_at": timezone.now() + DEAD_AFTER * 99}, False),
            ({"status": "failed"}, False),
            ({"status": "ready"}, False),
        ],
    )
    def test_what_is_stuck_is_queued_again(self, upload, queued, values, is_queued):
        version = upload()
        set_row(version, queued_at=timezone.now() - DEAD_AFTER, **values)
        assert reconcile() == len(queued) == int(is_queued)

    def test_a_fresh_upload_is_left_to_its_own_request(self, upload, queued):
        upload()
        assert reconcile() == 0


WORKER = """
import os, signal, sys
import django
django.setup()
from django.conf import settings
settings.MEDIA_ROOT = sys.argv[2]
from knowledge import embedding, ingestion
from tests.fakes import HashEncoder
embedding.get_encoder = lambda: HashEncoder()
die_at, seen = int(sys.argv[3]), 0
def passing(self, **values):
    global seen
    seen += 1
    if seen == die_at:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(self, **values)
from knowledge.attempts import Attempt
real, Attempt.write = Attempt.write, passing
if die_at == -1:
    from knowledge import publishing
    publishing.store_tables = lambda *args, **options: os.kill(os.getpid(), signal.SIGKILL)
ingestion.EMBEDDING_BATCH = 4
ingestion.ingest(sys.argv[1])
"""


def work(version, media, die_at):
    """A real worker process that kills itself at its n-th write (-1: within the last one)."""
    database = connection.settings_dict
    url = f"postgresql://{database['USER']}@/{database['NAME']}?host={database['HOST']}"
    environment = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "phi3site.settings"}
    arguments = [sys.executable, "-c", WORKER, str(version.pk), str(media), str(die_at)]
    return subprocess.run(arguments, cwd=site.BASE_DIR, env=environment, check=False).returncode


@pytest.mark.django_db(transaction=True)
def test_killed_anywhere_nothing_partial_is_found_and_the_end_is_the_same(
    upload, settings, bob, encoder
):
    sections = (f"## Part {n}\n\nThe part {n} costs {n} euro.\n" for n in range(24))
    text = "# Parts\n\n" + "\n".join(sections)
    clean = upload(text, "clean.md", title="Parts")
    assert work(clean, settings.MEDIA_ROOT, 0) == 0
    clean.refresh_from_db()
    assert clean.status == "ready" and clean.chunk_count > 8
    expected = list(clean.chunks.order_by("ordinal").values_list("sha256", "context_text"))
    trash(clean.document, actor=bob)

    version = upload(text, "killed.md", title="Parts")
    for die_at in (1, 3, 5, 7, 9, -1):
        set_row(version, heartbeat_at=None, tries=0)
        assert work(version, settings.MEDIA_ROOT, die_at) == -signal.SIGKILL
        assert not Chunk.objects.filter(version=version).exists()
        assert not retrieve("part 7", user=bob, collections=None).passages
    set_row(version, heartbeat_at=None, tries=0)
    assert work(version, settings.MEDIA_ROOT, 0) == 0
    version.refresh_from_db()
    assert (version.status, version.attempt) == ("ready", 7)
    ended = list(version.chunks.order_by("ordinal").values_list("sha256", "context_text"))
    assert ended == expected
    assert "part 7" in retrieve("part 7", user=bob, collections=None).passages[0].text.lower()
