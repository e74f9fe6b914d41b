"""From one encoder to another and back, under searches, uploads, pauses and deaths.

Two encoders of a real server with other dimensions; once the real MiniLM takes over.
"""

import os
import signal
import subprocess
import sys
import threading

import httpx
import numpy as np
import pytest
from django.conf import settings as site
from django.db import IntegrityError, connection, transaction

from knowledge import embedding, indexes, switching, vectors
from knowledge.embedding import EncoderSpec
from knowledge.encoder_acts import forget, give_up, pause, resume, roll_back, switch_to
from knowledge.errors import EncoderRefused, StateConflict
from knowledge.models import ChunkEmbedding, Encoder, EncoderSwitch
from knowledge.registry import open_row
from knowledge.retrieval import retrieve
from knowledge.switching import missing, queue_left_behind, swap, work_on
from phi3site.audit.models import AuditEvent
from phi3site.jobs import INGESTION, get_queue
from tests.knowledge.conftest import ROOT


def found(user, question="Which seal kit has the P-200?"):
    return retrieve(question, user=user, collections=None)


def sizes():
    """Dimensions of the stored vectors, by encoder."""
    rows = ChunkEmbedding.objects.select_related("encoder")
    return {(row.encoder.dimensions, len(row.vector)) for row in rows}


@pytest.mark.django_db
class TestSwitch:
    def test_it_embeds_everything_then_goes_over(self, begun, bob):
        before = ChunkEmbedding.objects.count()
        work_on(begun.pk)
        begun.refresh_from_db()
        assert (begun.status, begun.embedded, begun.total) == ("finished", before, before)
        assert begun.position is None and begun.finished_at
        assert sizes() == {(16, 16), (24, 24)}
        assert ChunkEmbedding.objects.count() == 2 * before
        active = Encoder.objects.get(state="active")
        assert (active.name, active.dimensions, len(active.probe)) == ("hash-24", 24, 24)
        assert embedding.get_encoder().dimensions == 24
        assert "SK-17" in found(bob).passages[0].text

    def test_until_then_questions_are_answered_by_the_former_one(self, begun, bob, monkeypatch):
        answers = []

        def store(*args):
            answers.append((embedding.get_encoder().dimensions, found(bob).passages[0].text))
            return real(*args)

        real = vectors.store_vectors
        monkeypatch.setattr(vectors, "store_vectors", store)
        work_on(begun.pk)
        assert answers and all(size == 16 and "SK-17" in text for size, text in answers)

    def test_a_question_that_began_before_ends_with_its_own_encoder(self, begun, bob, monkeypatch):
        former = embedding.get_encoder()
        work_on(begun.pk)
        monkeypatch.setattr(embedding, "get_encoder", lambda: former)
        best = found(bob).passages[0]
        assert "SK-17" in best.text and best.scores["dense"]["rank"]

    def test_a_document_that_comes_meanwhile_gets_both(self, begun, upload_ready, bob, monkeypatch):
        late = []

        def store(*args):
            if not late:
                late.append(upload_ready("# Crane\n\nThe crane lifts 900 kg.", name="crane.md"))
            return real(*args)

        real = vectors.store_vectors
        monkeypatch.setattr(vectors, "store_vectors", store)
        work_on(begun.pk)
        begun.refresh_from_db()
        assert begun.status == "finished"
        made = ChunkEmbedding.objects.filter(chunk__version=late[0])
        assert {row.encoder.dimensions for row in made.select_related("encoder")} == {16, 24}
        assert "900 kg" in found(bob, "How much lifts the crane?").passages[0].text

    def test_it_does_not_go_over_while_a_passage_lacks_its_vector(self, begun, upload_ready):
        work_on(begun.pk, seconds=0)
        begun.refresh_from_db()
        assert not swap(begun)
        assert Encoder.objects.get(state="active").dimensions == 16

    def test_slices_go_on_where_the_one_before_ended(self, begun, monkeypatch, embedding_server):
        monkeypatch.setattr(switching, "BATCH", 5)
        seen = httpx.get(embedding_server).json()["texts"]
        turns = 0
        while EncoderSwitch.objects.under_way().exists():
            clock = iter([0.0, 0.0, 0.0, 9.0])
            monkeypatch.setattr(switching, "monotonic", lambda clock=clock: next(clock, 9.0))
            work_on(begun.pk, seconds=1)
            turns += 1
        begun.refresh_from_db()
        assert begun.status == "finished" and turns > 3
        # Each text once, and one for the probe.
        assert httpx.get(embedding_server).json()["texts"] == seen + begun.total + 1

    def test_texts_that_the_new_encoder_cuts_are_counted(self, upload_ready, served, admin):
        upload_ready("# Long\n\n" + "The pump is tested twice. " * 20, name="long.md")
        switch = switch_to(EncoderSpec(served("hash-32"), max_tokens=10), actor=admin)
        work_on(switch.pk)
        switch.refresh_from_db()
        assert switch.cut == switch.total > 0

    def test_every_act_is_an_event(self, begun, admin):
        pause(begun, actor=admin)
        resume(begun, actor=admin)
        work_on(begun.pk)
        events = AuditEvent.objects.filter(action__startswith="encoder").order_by("seq")
        assert list(events.values_list("action", flat=True)) == [
            *("encoder_switch.begun", "encoder_switch.paused", "encoder_switch.resumed"),
            "encoder.switched",
        ]
        assert AuditEvent.objects.get(action="encoder.switched").actor_id == admin.pk


@pytest.mark.django_db
class TestPeople:
    def test_a_pause_is_heard_after_the_batch_and_a_resume_goes_on(
        self, begun, admin, monkeypatch, bob
    ):
        monkeypatch.setattr(switching, "BATCH", 2)

        def store(*args):
            pause(EncoderSwitch.objects.get(), actor=admin)
            return real(*args)

        real = vectors.store_vectors
        monkeypatch.setattr(vectors, "store_vectors", store)
        work_on(begun.pk)
        begun.refresh_from_db()
        assert begun.status == "paused"
        assert ChunkEmbedding.objects.filter(encoder=begun.encoder).count() == 2
        work_on(begun.pk)
        assert ChunkEmbedding.objects.filter(encoder=begun.encoder).count() == 2
        assert found(bob).passages
        monkeypatch.setattr(vectors, "store_vectors", real)
        resume(begun, actor=admin)
        work_on(begun.pk)
        begun.refresh_from_db()
        assert begun.status == "finished"

    def test_a_resume_within_a_batch_does_not_look_like_waiting(self, begun, admin, monkeypatch):
        monkeypatch.setattr(switching, "BATCH", 2)
        seen = []

        def store(*args):
            switch = EncoderSwitch.objects.get()
            seen.append(switch.status)
            if len(seen) == 1:
                pause(switch, actor=admin)
                resume(switch, actor=admin)
            return real(*args)

        real = vectors.store_vectors
        monkeypatch.setattr(vectors, "store_vectors", store)
        work_on(begun.pk)
        assert len(seen) > 2 and set(seen) == {"embedding"}

    def test_one_model_asked_in_two_ways_is_told_apart(self, upload_ready, served, admin):
        upload_ready()
        switch = switch_to(EncoderSpec(served("hash-16"), query_prompt="query: "), actor=admin)
        assert str(switch).endswith("not loaded yet")
        work_on(switch.pk)
        switch.refresh_from_db()
        former, encoder = str(switch).removeprefix("hash-16 ").split(" → ")
        assert len(former) == len(encoder) == 8 and former != encoder

    def test_there_is_one_switch_at_a_time(self, begun, served, admin):
        with pytest.raises(StateConflict, match="unfinished"):
            switch_to(EncoderSpec(served("hash-32")), actor=admin)
        with pytest.raises(StateConflict):
            roll_back(actor=admin)
        pause(begun, actor=admin)
        with pytest.raises(StateConflict):
            pause(begun, actor=admin)

    def test_without_a_document_there_is_nothing_to_switch(self, served, admin):
        with pytest.raises(StateConflict, match="KNOWLEDGE_ENCODER"):
            switch_to(EncoderSpec(served("hash-24")), actor=admin)

    def test_giving_up_changes_nothing_and_a_second_try_reuses_the_vectors(
        self, begun, admin, served, monkeypatch, bob
    ):
        monkeypatch.setattr(vectors, "store_vectors", lambda *args: give_up(begun, actor=admin))
        work_on(begun.pk)
        assert begun.status == "cancelled" and found(bob).passages
        assert Encoder.objects.get(state="active").dimensions == 16
        monkeypatch.undo()
        again = switch_to(EncoderSpec(served("hash-24")), actor=admin)
        work_on(again.pk)
        again.refresh_from_db()
        assert again.status == "finished" and again.encoder_id == begun.encoder_id
        assert Encoder.objects.count() == 2

    def test_the_encoder_that_is_searched_with_is_no_other(self, upload_ready, served, admin):
        upload_ready()
        switch = switch_to(EncoderSpec(served("hash-16")), actor=admin)
        work_on(switch.pk)
        switch.refresh_from_db()
        assert (switch.status, switch.error_code) == ("failed", "encoder_refused")
        give_up(switch, actor=admin)
        work_on(switch_to(EncoderSpec(served("hash-24")), actor=admin).pk)
        assert Encoder.objects.get(state="active").dimensions == 24

    def test_more_dimensions_than_an_index_holds_are_refused(self, upload_ready, served, admin):
        upload_ready()
        with pytest.raises(EncoderRefused, match="4,000"):
            switch_to(EncoderSpec(served("hash-9000"), dimensions=5_000), actor=admin)
        switch = switch_to(EncoderSpec(served("hash-4001")), actor=admin)
        before = ChunkEmbedding.objects.count()
        work_on(switch.pk)
        switch.refresh_from_db()
        assert (switch.status, switch.error_code) == ("failed", "encoder_refused")
        assert "4,001" in switch.error and ChunkEmbedding.objects.count() == before

    def test_a_server_that_stays_away_fails_it_after_three_tries(self, begun, settings, bob):
        other = switching.Encoder.objects.filter(pk=begun.encoder_id)
        other.update(source=begun.encoder.source.replace("hash-24", "broken-24"))
        for _ in range(switching.MAX_TRIES):
            begun.refresh_from_db()
            assert begun.is_under_way
            work_on(begun.pk)
        begun.refresh_from_db()
        assert (begun.status, begun.error_code) == ("failed", "encoder_unavailable")
        assert found(bob).passages
        other.update(source=begun.encoder.source)

    def test_a_surprise_is_raised_and_counted(self, begun, monkeypatch):
        def store(*args):
            raise RuntimeError("surprise")

        monkeypatch.setattr(vectors, "store_vectors", store)
        for _ in range(switching.MAX_TRIES):
            with pytest.raises(RuntimeError):
                work_on(begun.pk)
        begun.refresh_from_db()
        assert (begun.status, begun.error_code) == ("failed", "switch_crashed")


@pytest.mark.django_db
class TestWayBack:
    def test_it_returns_to_the_former_encoder(self, begun, admin, bob, upload_ready):
        work_on(begun.pk)
        late = upload_ready("# Crane\n\nThe crane lifts 900 kg.", name="crane.md")
        back = roll_back(actor=admin)
        assert back.is_rollback
        assert set(missing(back)) == set(late.chunks.filter(embeddings__isnull=False))
        work_on(back.pk)
        back.refresh_from_db()
        assert back.status == "finished"
        assert Encoder.objects.get(state="active").dimensions == 16
        assert "900 kg" in found(bob, "How much lifts the crane?").passages[0].text
        again = roll_back(actor=admin)
        work_on(again.pk)
        assert Encoder.objects.get(state="active").dimensions == 24

    def test_without_a_switch_there_is_no_way_back(self, upload_ready, admin):
        upload_ready()
        with pytest.raises(StateConflict, match="no encoder to go back to"):
            roll_back(actor=admin)


@pytest.mark.django_db(transaction=True)
class TestBesideOthers:
    def test_a_forgotten_encoder_leaves_no_vector_and_no_index(self, begun, admin, monkeypatch):
        monkeypatch.setattr(indexes, "HNSW_FROM", 1)
        work_on(begun.pk)
        former = Encoder.objects.get(state="retired")
        indexes.ensure_vector_index(former)
        with pytest.raises(StateConflict):
            forget(Encoder.objects.get(state="active"), actor=admin)
        forget(former, actor=admin)
        assert sizes() == {(24, 24)}
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass(%s)", [indexes.index_name(former)])
            assert cursor.fetchone()[0] is None
        with pytest.raises(StateConflict):
            roll_back(actor=admin)
        indexes.drop_vector_index(begun.encoder)

    def test_the_index_is_there_before_the_search_goes_over(self, begun, monkeypatch, bob):
        monkeypatch.setattr(indexes, "HNSW_FROM", 1)
        monkeypatch.setattr("knowledge.searching.EXACT_LIMIT", 0)
        monkeypatch.setattr(switching, "swap", lambda switch: states.append(switch.status) or True)
        states = []
        work_on(begun.pk)
        assert states == ["indexing"] and not indexes.lacks_vector_index(begun.encoder)
        monkeypatch.undo()
        work_on(begun.pk)
        assert found(bob).passages
        indexes.drop_vector_index(begun.encoder)

    def test_more_than_two_thousand_dimensions_have_their_index(
        self, upload_ready, served, admin, bob, monkeypatch
    ):
        upload_ready()
        monkeypatch.setattr(indexes, "HNSW_FROM", 1)
        monkeypatch.setattr("knowledge.searching.EXACT_LIMIT", 0)
        switch = switch_to(EncoderSpec(served("hash-3072")), actor=admin)
        work_on(switch.pk)
        switch.refresh_from_db()
        assert switch.status == "finished" and not indexes.lacks_vector_index(switch.encoder)
        best = found(bob).passages[0]
        assert "SK-17" in best.text and best.scores["dense"]["rank"] == 1
        indexes.drop_vector_index(switch.encoder)

    def test_an_index_whose_build_was_killed_is_made_anew(self, begun, monkeypatch):
        monkeypatch.setattr(indexes, "HNSW_FROM", 1)
        name = indexes.index_name(begun.former)
        with pytest.raises(IntegrityError), connection.cursor() as cursor:
            # A build that fails leaves what a killed one leaves.
            table = ChunkEmbedding._meta.db_table
            cursor.execute(f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON {table} (encoder_id)")
        assert indexes.lacks_vector_index(begun.former)
        assert indexes.ensure_vector_index(begun.former)
        assert not indexes.lacks_vector_index(begun.former)
        indexes.drop_vector_index(begun.former)

    def test_only_one_worker_works_on_it(self, begun, served):
        inside, done = threading.Event(), threading.Event()

        def hold():
            with switching._only_worker() as is_mine:
                assert is_mine
                inside.set()
                done.wait()
            connection.close()

        other = threading.Thread(target=hold)
        other.start()
        inside.wait()
        assert queue_left_behind() == 0
        work_on(begun.pk)
        begun.refresh_from_db()
        assert begun.status == "queued"
        done.set()
        other.join()
        get_queue(INGESTION).empty()
        assert queue_left_behind() == 1
        assert get_queue(INGESTION).get_job_ids()
        get_queue(INGESTION).empty()

    def test_the_swap_waits_for_a_document_that_is_being_published(self, begun, bob):
        """And finds, once it has waited, that this document lacks its vectors."""
        from knowledge.registry import hold_active

        work_on(begun.pk, seconds=0)
        begun.refresh_from_db()
        encoder = open_row(begun.encoder)
        while batch := list(missing(begun)[:64]):
            texts = [chunk.context_text for chunk in batch]
            vectors.store_vectors(batch, encoder.encode_passages(texts), begun.encoder)
        outcome = []
        other = threading.Thread(target=lambda: (outcome.append(swap(begun)), connection.close()))
        with transaction.atomic():
            hold_active(begun.former)
            other.start()
            with connection.cursor() as cursor:
                while True:
                    cursor.execute(
                        "SELECT count(*) FROM pg_locks WHERE NOT granted AND database = "
                        "(SELECT oid FROM pg_database WHERE datname = current_database())"
                    )
                    if cursor.fetchone()[0]:
                        break
            assert not outcome
            first = ChunkEmbedding.objects.filter(encoder=begun.encoder).first()
            first.delete()
        other.join()
        assert outcome == [False]
        assert Encoder.objects.get(state="active").pk == begun.former_id

    def test_a_killed_worker_loses_only_its_batch(self, begun, embedding_server, bob):
        """SIGKILL in the middle; the reconciler queues it, and the rest is embedded, once each."""
        Encoder.objects.filter(pk=begun.encoder_id).update(
            source=begun.encoder.source.replace("hash-24", "slow-24"), name="slow-24"
        )
        worker = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(begun.pk)],
            cwd=ROOT,
            env={**os.environ, **environment(embedding_server)},
        )
        mine = ChunkEmbedding.objects.filter(encoder=begun.encoder_id)
        while not mine.exists():
            assert worker.poll() is None
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        begun.refresh_from_db()
        kept = mine.count()
        assert begun.status == "embedding" and 0 < kept < begun.total
        assert found(bob).passages
        while not queue_left_behind():
            """Until Postgres has noticed that the worker is gone."""
        get_queue(INGESTION).empty()
        seen = httpx.get(embedding_server).json()["texts"]
        work_on(begun.pk)
        begun.refresh_from_db()
        assert begun.status == "finished"
        assert httpx.get(embedding_server).json()["texts"] <= seen + begun.total - kept + 1
        assert "SK-17" in found(bob).passages[0].text


WORKER = """
import sys
from uuid import UUID
import django
django.setup()
from knowledge import switching
switching.BATCH = 3
switching.work_on(UUID(sys.argv[1]))
"""


def environment(server):
    """What a worker of this very test needs."""
    name = connection.settings_dict["NAME"]
    url, _, query = os.environ["DATABASE_URL"].partition("?")
    return {
        "DATABASE_URL": f"{url.rpartition('/')[0]}/{name}" + (f"?{query}" if query else ""),
        "DJANGO_SETTINGS_MODULE": "phi3site.settings",
        "SECRET_KEY": site.SECRET_KEY,
        "KNOWLEDGE_ENCODER_SERVERS": server,
    }


@pytest.mark.story
@pytest.mark.django_db
def test_the_real_encoder_takes_over(begun, admin, bob):
    give_up(begun, actor=admin)
    switch = switch_to(EncoderSpec("packaged-minilm"), actor=admin)
    work_on(switch.pk, seconds=600)
    switch.refresh_from_db()
    assert switch.status == "finished"
    row = Encoder.objects.get(state="active")
    assert (row.name, row.dimensions, row.max_tokens) == ("all-MiniLM-L6-v2", 384, 256)
    best = found(bob, "How often is the lubricant renewed?").passages[0]
    assert "every 500 hours" in best.text
    vector = ChunkEmbedding.objects.filter(encoder=row).first().vector
    assert np.linalg.norm(np.array(vector)) == pytest.approx(1, abs=1e-2)
