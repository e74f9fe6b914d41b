"""Several versions in one go, and small ones that pass a large one."""

import errno

import pytest
from django.db.utils import OperationalError
from psycopg.errors import DiskFull

from knowledge import ingestion, turns
from knowledge.ingestion import ingest_many
from knowledge.models import Chunk, DocumentVersion
from knowledge.turns import take_turn
from knowledge.versions import cancel, in_line

pytestmark = pytest.mark.django_db


@pytest.fixture
def several(upload):
    return lambda count: [upload(f"Words on thing {n}.", f"thing-{n}.txt") for n in range(count)]


@pytest.fixture
def batches(encoder, monkeypatch):
    """The sizes of the encoder's batches."""
    sizes, encode = [], encoder.encode_passages

    def encode_passages(texts):
        sizes.append(len(texts))
        return encode(texts)

    monkeypatch.setattr(encoder, "encode_passages", encode_passages)
    return sizes


def states(versions):
    for version in versions:
        version.refresh_from_db()
    return [version.status for version in versions]


def test_many_small_ones_share_a_batch(several, batches):
    versions = several(5)
    take_turn()
    assert states(versions) == ["ready"] * 5
    assert batches == [5]
    assert all(version.progress == version.chunk_count == 1 for version in versions)


def test_one_that_can_not_be_read_fails_alone(several, upload, batches):
    versions = [*several(2), upload(b"%PDF-1.7 nothing", "broken.pdf")]
    take_turn()
    assert states(versions) == ["ready", "ready", "failed"]
    assert batches == [2]


def test_a_surprise_in_one_holds_back_no_other(several, encoder, monkeypatch):
    versions = several(3)
    real = ingestion._chunks

    def chunks(version, *rest):
        if version == versions[1]:
            raise RuntimeError("a bug")
        return real(version, *rest)

    monkeypatch.setattr(ingestion, "_chunks", chunks)
    for tries in (1, 2, 3):
        with pytest.raises(RuntimeError):
            ingest_many([str(version.pk) for version in versions])
        assert versions[1].tries == tries - 1
        states(versions)
    assert states(versions) == ["ready", "failed", "ready"]
    assert versions[1].error_code == "ingestion_crashed"


def test_an_encoder_that_breaks_gives_all_of_them_back(several, encoder, monkeypatch):
    versions = several(2)
    with monkeypatch.context() as patch:
        patch.setattr(encoder, "encode_passages", lambda texts: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            take_turn()
    assert states(versions) == ["queued", "queued"]
    take_turn(), take_turn()
    assert states(versions) == ["ready", "ready"]


def test_those_that_have_their_vectors_are_ready_though_the_encoder_breaks(
    several, encoder, monkeypatch
):
    versions, real, calls = several(2), encoder.encode_passages, []

    def encode_passages(texts):
        calls.append(texts)
        return real(texts) if len(calls) == 1 else 1 / 0

    monkeypatch.setattr(encoder, "encode_passages", encode_passages)
    monkeypatch.setattr(ingestion, "EMBEDDING_BATCH", 1)
    with pytest.raises(ZeroDivisionError):
        take_turn()
    assert states(versions) == ["ready", "queued"]


def test_one_that_is_cancelled_between_two_batches_is_left_out(
    several, encoder, monkeypatch, curator
):
    versions = several(2)
    monkeypatch.setattr(ingestion, "EMBEDDING_BATCH", 1)

    def let_pass():
        if DocumentVersion.objects.get(pk=versions[1].pk).status == "embedding":
            cancel(versions[1], actor=curator)

    ingest_many([str(version.pk) for version in versions], let_pass=let_pass)
    assert states(versions) == ["ready", "cancelled"]
    assert not Chunk.objects.filter(version=versions[1]).exists()


@pytest.mark.parametrize("kind", ["host", "database"])
def test_a_full_disk_is_said_and_nothing_is_kept(several, encoder, monkeypatch, kind):
    (version,) = several(1)

    def full(*args, **options):
        if kind == "host":
            raise OSError(errno.ENOSPC, "No space left on device")
        raise OperationalError("no room") from DiskFull("no room")

    monkeypatch.setattr(ingestion, "publish", full)
    take_turn()
    assert states([version]) == ["failed"]
    assert version.error_code == "storage_full" and "Free some space" in version.error
    assert not Chunk.objects.exists()


def test_small_ones_are_ready_before_the_large_one_that_came_first(
    upload, several, encoder, monkeypatch
):
    monkeypatch.setattr(turns, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(ingestion, "EMBEDDING_BATCH", 1)
    text = "\n\n".join(f"## Part {n}\n\n" + f"Part {n} costs {n} euro. " * 30 for n in range(6))
    large = upload(text, "large.md")
    DocumentVersion.objects.filter(pk=large.pk).update(size=9 * 1024**2, priority=1)
    small, order = [], []
    real = ingestion.publish

    def publish(attempt, *args, **options):
        order.append(attempt.version.pk)
        real(attempt, *args, **options)

    def embed_batch(*args, real=ingestion._embed_batch):
        if not small:
            small.extend(several(2))
        real(*args)

    monkeypatch.setattr(ingestion, "publish", publish)
    monkeypatch.setattr(ingestion, "_embed_batch", embed_batch)
    take_turn()
    assert order == [small[0].pk, small[1].pk, large.pk]
    assert states([*small, large]) == ["ready"] * 3


def test_one_that_passes_and_breaks_does_not_stop_the_large_one(upload, encoder, monkeypatch):
    monkeypatch.setattr(turns, "PAUSE_SECONDS", 0)
    large = upload("Words. " * 50, "large.txt")
    DocumentVersion.objects.filter(pk=large.pk).update(priority=1, **{"size": 9 * 1024**2})
    broken = upload("Broken words.", "small.txt")
    real = ingestion._chunks

    def chunks(version, *rest):
        if version == broken:
            raise RuntimeError("a bug")
        return real(version, *rest)

    monkeypatch.setattr(ingestion, "_chunks", chunks)
    take_turn()
    assert states([large, broken]) == ["ready", "queued"]


def test_a_large_file_waits_as_long_as_it_takes():
    early, late = in_line(0), in_line(100 * 1024**2)
    assert (late["turn_at"] - early["turn_at"]).total_seconds() > 600
