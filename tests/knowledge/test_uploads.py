import errno
import hashlib
import threading
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.db import connection

from knowledge import storage, uploads
from knowledge.errors import KnowledgeError, StateConflict, StorageFull, UploadRefused
from knowledge.ingestion import ingest
from knowledge.models import Document, DocumentVersion
from knowledge.uploads import clean_filename, title_of, upload_document, upload_many
from knowledge.versions import trash
from phi3site.audit.models import AuditEvent
from tests.knowledge.conftest import MANUAL, make_docx, make_pdf, make_xlsx

pytestmark = pytest.mark.django_db


def files_on_disk(settings):
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def test_an_upload_is_hashed_stored_and_written_down(upload, settings, curator):
    version = upload()
    assert (version.document.title, version.number, version.status) == ("Pump manual", 1, "queued")
    assert version.sha256 == hashlib.sha256(MANUAL.encode()).hexdigest()
    assert storage.path_of(version.file.name).read_text() == MANUAL
    assert "pump" not in version.file.name
    event = AuditEvent.objects.get(action="document.uploaded")
    assert (event.target_id, event.actor) == (str(version.pk), curator)
    assert storage.path_of(version.file.name).stat().st_mode & 0o077 == 0


def test_a_job_is_queued_after_the_commit(upload, django_capture_on_commit_callbacks, monkeypatch):
    queued = []
    monkeypatch.setattr("phi3site.jobs._enqueue", lambda *job: queued.append(job))
    with django_capture_on_commit_callbacks(execute=True):
        version = upload()
    assert [(job[0], job[1]) for job in queued] == [
        ("knowledge.tasks.ingest_version", (str(version.pk),))
    ]


def test_the_same_bytes_make_no_second_version(upload, settings):
    first, again = upload(), upload(name="other-name.md")
    assert again.pk == first.pk
    assert again.was_already_there and not first.was_already_there
    assert DocumentVersion.objects.count() == 1


def test_the_copy_of_known_bytes_is_removed(
    upload, settings, django_capture_on_commit_callbacks, monkeypatch
):
    monkeypatch.setattr("phi3site.jobs._enqueue", lambda *job: None)
    with django_capture_on_commit_callbacks(execute=True):
        upload()
        upload()
    assert len(files_on_disk(settings)) == 1


def test_the_same_bytes_try_a_failed_version_again(upload):
    version = upload()
    DocumentVersion.objects.filter(pk=version.pk).update(status="failed", tries=3)
    again = upload()
    assert (again.pk, again.status, again.tries) == (version.pk, "queued", 0)


def test_the_same_title_makes_the_next_version(upload):
    first, second = upload(), upload(MANUAL + "\nMore.\n")
    assert (second.document_id, second.number) == (first.document_id, 2)


def test_a_given_document_gets_the_next_version_whatever_the_name(upload):
    first = upload()
    second = upload("Quite other words.", "renamed.txt", document=first.document)
    assert (second.document_id, second.number) == (first.document_id, 2)


def test_a_trashed_document_takes_no_version_and_gives_its_title_free(upload, curator):
    first = upload()
    trash(first.document, actor=curator)
    with pytest.raises(StateConflict):
        upload("New words.", document=first.document)
    assert upload(MANUAL).document_id != first.document_id


@pytest.mark.parametrize(
    ("name", "data", "code", "words"),
    [
        ("a.pdf", b"<!doctype html><p>no pdf", "type_mismatch", ("PDF", "HTML page")),
        ("a.docx", make_xlsx(), "type_mismatch", ("Word document", "Excel workbook")),
        ("a.txt", b"\x89PNG\r\n\x1a\n", "type_mismatch", ("plain text", "PNG picture")),
        ("a.exe", b"MZ\x90\x00", "type_unknown", ("Windows program",)),
        ("notes", b"words", "type_unknown", ("ending",)),
        ("a.py", b"print()", "type_unknown", (".py",)),
        ("a.pdf.exe", make_pdf(1), "type_mismatch", (".exe", "PDF")),
        ("a.docx", b"PK\x03\x04 broken", "file_damaged", ("damaged",)),
        ("a.md", b"", "file_empty", ("empty",)),
    ],
)
def test_what_a_file_is_decides_its_content(upload, settings, name, data, code, words):
    with pytest.raises(UploadRefused) as refusal:
        upload(data, name)
    assert refusal.value.code == code
    assert all(word in refusal.value.message for word in words)
    assert not files_on_disk(settings)
    assert not Document.objects.exists()


@pytest.mark.parametrize(
    ("name", "data", "media_type"),
    [
        ("A.PDF", make_pdf(1), "application/pdf"),
        ("no ending", make_docx(), "wordprocessingml.document"),
        ("a..md", b"# hi there", "text/markdown"),
        ("rows.csv", b"a,b\n1,2\n", "text/csv"),
        ("utf16.txt", "hello".encode("utf-16"), "text/plain"),
        ("page.html", b"  <!DOCTYPE html><p>hi", "text/html"),
    ],
)
def test_names_may_be_odd_when_the_content_is_clear(upload, name, data, media_type):
    assert upload(data, name).media_type.endswith(media_type)


def test_a_large_file_is_refused_while_it_streams(upload, settings):
    settings.KNOWLEDGE_MAX_UPLOAD_MB = 1
    with pytest.raises(UploadRefused) as refusal:
        upload(b"x" * (1024**2 + 1), "big.txt")
    assert refusal.value.code == "upload_too_large"
    assert not files_on_disk(settings)


def test_a_full_disk_is_said_and_leaves_nothing(upload, settings, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(storage.os, "fsync", full)
    with pytest.raises(StorageFull):
        upload()
    assert not files_on_disk(settings)
    assert not Document.objects.exists()


def test_no_row_no_file(upload, settings, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("the log is away")

    monkeypatch.setattr(uploads, "record", broken)
    with pytest.raises(RuntimeError):
        upload()
    assert not files_on_disk(settings)


def test_one_refusal_holds_back_no_other(collection, curator):
    files = [ContentFile(b"", name="empty.md"), ContentFile(b"words", name="good.txt")]
    taken, refused = upload_many(collection, files, actor=curator)
    assert [version.filename for version in taken] == ["good.txt"]
    assert [error.code for error in refused] == ["file_empty"]


@pytest.mark.parametrize("planted", ["/etc/passwd", "documents/../../outside", "documents/link"])
def test_a_path_from_the_database_stays_inside(settings, tmp_path, planted):
    folder = Path(settings.MEDIA_ROOT) / "documents"
    folder.mkdir(parents=True)
    (tmp_path / "outside").write_text("secret")
    (folder / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(KnowledgeError) as error:
        storage.path_of(planted)
    assert error.value.code == "file_missing"


def test_files_without_a_row_are_removed_once_they_are_old(upload, settings):
    version = upload()
    stray = Path(settings.MEDIA_ROOT) / "documents" / "00" / "stray"
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.write_text("killed upload")
    assert storage.remove_strays({version.file.name}) == 0
    assert storage.remove_strays({version.file.name}, older_than=-1) == 1
    assert storage.path_of(version.file.name).is_file()


def test_names_for_display_are_clean():
    assert clean_filename("C:\\x\\..\\Report\u202efdp.pdf") == "Reportfdp.pdf"
    assert clean_filename("../../etc/passwd") == "passwd"
    assert clean_filename("\n") == "unnamed"
    assert len(clean_filename("x" * 900 + ".pdf")) <= 221
    assert title_of("pump_manual-v2.pdf") == "Pump manual v2"


def test_a_file_object_without_a_name_needs_a_type(collection, curator):
    with pytest.raises(UploadRefused):
        upload_document(collection, ContentFile(b"words"), actor=curator)


@pytest.mark.django_db
class TestTheSameBytesAgain:
    def test_what_a_waiting_version_will_replace_comes_back_as_the_next_one(self, ingested, upload):
        document = ingested("Right.", "a.txt").document
        upload("Wrong.", "a.txt", document=document)
        back = upload("Right.", "a.txt", document=document)
        assert (back.number, back.was_already_there) == (3, False)
        ingest(str(back.pk))
        assert [v.status for v in document.versions.order_by("number")] == [
            "superseded",
            "queued",
            "ready",
        ]

    def test_what_failed_before_a_later_version_is_no_retry(self, ingested, upload):
        failed = ingested(b"%PDF-1.7 nothing", "a.pdf")
        ingested("Words.", "a.txt", document=failed.document)
        again = upload(b"%PDF-1.7 nothing", "a.pdf", document=failed.document)
        failed.refresh_from_db()
        assert (again.number, failed.status) == (3, "failed")


@pytest.mark.django_db(transaction=True)
def test_an_upload_in_its_transaction_holds_back_no_publishing(upload, encoder, monkeypatch):
    """Both write to the log at last: if one waited for the other's row, neither would end."""
    waiting, real, ended = upload("Other words.", "other.txt"), uploads._same_bytes, []

    def same_bytes(*args):
        def publish():
            ingest(str(waiting.pk))
            connection.close()

        thread = threading.Thread(target=publish)
        thread.start()
        thread.join(20)
        ended.append(not thread.is_alive())
        return real(*args)

    monkeypatch.setattr(uploads, "_same_bytes", same_bytes)
    upload("Words.", "words.txt")
    assert ended == [True]
    waiting.refresh_from_db()
    assert waiting.status == "ready"
