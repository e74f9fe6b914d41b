"""Zips: refused at the door, or taken in by a worker, file by file, whoever dies meanwhile."""

import io
import zipfile
from datetime import timedelta
from zipfile import ZIP_DEFLATED, ZIP_LZMA

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse
from django.utils import timezone

from knowledge import reconciling, unpacking, zipped
from knowledge.errors import StateConflict, UploadRefused
from knowledge.models import ArchiveImport, Document, DocumentVersion
from knowledge.shelving import trash_collection
from knowledge.storage import path_of, remove_strays
from knowledge.unpacking import accept, cancel, counts_of, unpack
from phi3site.audit.models import AuditEvent

pytestmark = pytest.mark.django_db
THREE = {"a/seals.md": "Seals.", "b.pdf": b"\x89PNG", "c.md": "Oil."}


def pack(files, packing=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packing) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return ContentFile(buffer.getvalue(), name="files.zip")


@pytest.fixture
def take(collection, curator):
    """Uploads a zip and takes it in; how many files had which outcome, and the reasons."""

    def take(files):
        file = pack(files) if isinstance(files, dict) else files
        archive = accept(collection, file, actor=curator)
        unpack(archive.pk)
        archive.refresh_from_db()
        assert archive.status == "finished"
        reasons = dict(archive.entries.filter(outcome="refused").values_list("path", "reason"))
        return counts_of(archive), reasons

    return take


@pytest.fixture
def accepted(collection, curator):
    return accept(collection, pack(THREE), actor=curator)


class TestFiles:
    def test_each_is_taken_once(self, take):
        files = {"a/seals.md": "Seals.", "__MACOSX/x.md": "no", ".x": "no", "a/": ""}
        assert take(files)[0] == {"added": 1}
        assert Document.objects.get().source_path == "a/seals.md"
        assert take(files)[0] == {"unchanged": 1}
        assert take(files | {"a/seals.md": "New seals."})[0] == {"changed": 1}
        assert take({"elsewhere.md": "New seals."})[0] == {"duplicate": 1}

    def test_names_that_lead_elsewhere_are_only_names(self, take):
        take({"/etc/passwd.txt": "Words.", "../up.txt": "Left alone."})
        version = DocumentVersion.objects.get()
        assert version.file.name.startswith("documents/") and "passwd" not in version.file.name
        assert version.document.source_path == "etc/passwd.txt"

    def test_one_larger_than_allowed_is_refused_alone(self, take, settings):
        settings.KNOWLEDGE_MAX_UPLOAD_MB = 1
        counts, _reasons = take({"a.md": b"0" * 2 * 1024**2, "b.md": "Words."})
        assert counts == {"refused": 1, "added": 1}

    def test_what_is_damaged_inside_is_refused_alone(self, take):
        archive = pack({f"{n}.md": f"Words on thing {n}. " * 50 for n in range(4)}, ZIP_DEFLATED)
        data = bytearray(archive.read())
        place = data.find(b"1.md") + 10
        data[place : place + 20] = b"\xff" * 20
        for name, before, flags in ((data.find(b"2.md"), 30, 6), (data.rfind(b"2.md"), 46, 8)):
            data[name - before + flags] |= 1
        counts, reasons = take(ContentFile(bytes(data), "a.zip"))
        assert counts == {"added": 2, "refused": 2}
        assert reasons.keys() == {"1.md", "2.md"}

    def test_packed_in_a_rare_way_is_refused_alone(self, take):
        _counts, reasons = take(pack({"a.md": "A."}, ZIP_LZMA))
        assert "rare way" in reasons["a.md"]

    def test_a_path_that_is_too_long_is_refused_alone(self, take):
        assert take({"d/" * 600 + "a.md": "A.", "b.md": "B."})[0] == {"refused": 1, "added": 1}

    def test_none_at_all(self, take):
        assert take({})[0] == {}


class TestAtTheDoor:
    def test_too_many_or_too_much_is_refused_before_anything_is_read(
        self, collection, curator, monkeypatch, settings
    ):
        with monkeypatch.context() as patch:
            patch.setattr(zipped, "MOST_FILES", 1)
            with pytest.raises(UploadRefused, match="import_folder"):
                accept(collection, pack({"a.md": "A", "b.md": "B"}), actor=curator)
        settings.KNOWLEDGE_MAX_UPLOAD_MB = 1
        bomb = pack({"a.md": b"0" * 11 * 1024**2}, ZIP_DEFLATED)
        with pytest.raises(UploadRefused, match="MB"):
            accept(collection, bomb, actor=curator)
        assert not ArchiveImport.objects.exists()

    def test_a_table_of_contents_that_lies_is_refused_unread(
        self, collection, curator, monkeypatch
    ):
        data = bytearray(pack({"a.md": "A"}).read())
        place = data.rfind(b"PK\x05\x06")
        data[place + 10 : place + 12] = b"\xff\xff"
        monkeypatch.setattr(zipped, "ZipFile", None)
        with pytest.raises(UploadRefused) as refused:
            accept(collection, ContentFile(bytes(data), name="a.zip"), actor=curator)
        assert refused.value.code == "archive_too_large"

    @pytest.mark.parametrize("data", [b"PK\x03\x04 nothing", b""])
    def test_a_damaged_one_is_refused(self, collection, curator, data, settings):
        with pytest.raises(UploadRefused) as refused:
            accept(collection, ContentFile(data, name="a.zip"), actor=curator)
        assert refused.value.code in ("archive_damaged", "file_empty")
        assert not [path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()]

    def test_the_same_zip_again_is_the_one_that_waits(self, collection, curator, accepted):
        assert accept(collection, pack(THREE), actor=curator).pk == accepted.pk
        unpack(accepted.pk)
        again = accept(collection, pack(THREE), actor=curator)
        unpack(again.pk)
        assert again.pk != accepted.pk
        assert counts_of(again) == {"unchanged": 2, "refused": 1}


class TestTheJob:
    def test_every_file_has_its_outcome_and_the_zip_is_gone(
        self, accepted, django_capture_on_commit_callbacks
    ):
        path = path_of(accepted.file)
        with django_capture_on_commit_callbacks(execute=True):
            unpack(accepted.pk)
        entries = list(accepted.entries.values_list("number", "path", "outcome"))
        assert entries == [
            (0, "a/seals.md", "added"),
            (1, "b.pdf", "refused"),
            (2, "c.md", "added"),
        ]
        assert accepted.entries.get(number=2).version == DocumentVersion.objects.get(
            document__source_path="c.md"
        )
        assert not path.exists()
        event = AuditEvent.objects.get(action="archive.finished")
        assert '"added":2' in event.details and '"refused":1' in event.details

    def test_it_goes_on_where_a_slice_ended(self, accepted):
        unpack(accepted.pk, seconds=-1)
        accepted.refresh_from_db()
        assert (accepted.status, accepted.tries, accepted.entries.count()) == ("queued", 0, 0)
        unpack(accepted.pk)
        accepted.refresh_from_db()
        assert (accepted.status, accepted.entries.count()) == ("finished", 3)

    def test_in_living_hands_or_finished_it_is_left_alone(self, accepted):
        ArchiveImport.objects.update(status="unpacking", heartbeat_at=timezone.now())
        unpack(accepted.pk)
        assert not accepted.entries.exists()
        ArchiveImport.objects.update(status="finished")
        unpack(accepted.pk)
        assert not accepted.entries.exists()

    def test_killed_in_the_middle_it_is_taken_up_and_nothing_is_taken_twice(
        self, accepted, monkeypatch
    ):
        real = unpacking.take

        def dies(entry, *args):
            if entry.path == "c.md":
                raise MemoryError
            return real(entry, *args)

        with monkeypatch.context() as patch, pytest.raises(MemoryError):
            patch.setattr(unpacking, "take", dies)
            unpack(accepted.pk)
        accepted.refresh_from_db()
        assert (accepted.status, accepted.entries.count()) == ("unpacking", 2)
        ArchiveImport.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=1))
        unpack(accepted.pk)
        assert counts_of(accepted) == {"added": 2, "refused": 1}
        assert DocumentVersion.objects.count() == 2

    def test_after_three_deaths_it_fails(self, accepted):
        ArchiveImport.objects.update(tries=3)
        unpack(accepted.pk)
        accepted.refresh_from_db()
        assert (accepted.status, accepted.error_code) == ("failed", "archive_crashed")

    def test_who_was_given_up_on_writes_nothing_more(self, accepted, monkeypatch):
        real = unpacking.take

        def slow(entry, *args):
            ArchiveImport.objects.update(attempt=9)
            return real(entry, *args)

        monkeypatch.setattr(unpacking, "take", slow)
        unpack(accepted.pk)
        assert not accepted.entries.filter(number__gt=0).exists()

    def test_a_right_that_is_gone_ends_it(self, accepted, collection):
        collection.managers.clear()
        unpack(accepted.pk)
        accepted.refresh_from_db()
        assert (accepted.status, accepted.error_code) == ("failed", "refused")
        assert not Document.objects.exists()

    def test_of_a_deleted_collection_nothing_is_taken(self, accepted, collection, admin):
        trash_collection(collection, actor=admin)
        unpack(accepted.pk)
        assert not Document.objects.exists()

    def test_cancelled_it_takes_no_further_file(self, accepted, curator):
        cancel(accepted, actor=curator)
        unpack(accepted.pk)
        assert not accepted.entries.exists()
        with pytest.raises(StateConflict):
            cancel(accepted, actor=curator)

    def test_the_reconciler_queues_what_is_left_and_keeps_its_file(self, accepted, monkeypatch):
        queued = []
        monkeypatch.setattr(reconciling, "enqueue_archive", queued.append)
        reconciling.reconcile()
        assert queued == [accepted]
        monkeypatch.setattr(reconciling, "remove_strays", lambda known: known)
        assert accepted.file in reconciling.remove_stray_files.__wrapped__()
        assert remove_strays(set(), older_than=-1) == 1


class TestPages:
    def test_a_single_zip_leads_to_its_page(self, client, curator, collection):
        client.force_login(curator)
        data = {"collection": str(collection.pk), "documents": [pack(THREE)]}
        response = client.post(reverse("knowledge:upload"), data)
        archive = ArchiveImport.objects.get()
        url = reverse("knowledge:archive", args=[archive.pk])
        assert response.url == url and not Document.objects.exists()
        shown = client.get(url).content.decode()
        assert "0 of 3 files" in shown and "every 1s" in shown and "Cancel" in shown
        unpack(archive.pk)
        shown = client.get(url, headers={"HX-Request": "true"}).content.decode()
        assert "3 of 3 files" in shown and "2 added" in shown and "1 refused" in shown
        assert "PNG picture" in shown and "every 1s" not in shown and "<html" not in shown
        # What needs a person comes first.
        assert shown.index("b.pdf") < shown.index("a/seals.md")

    def test_with_other_files_the_list_shows_it(self, client, curator, collection):
        client.force_login(curator)
        files = [pack(THREE), ContentFile(b"C.", name="other.md"), ContentFile(b"x", "bad.zip")]
        data = {"collection": str(collection.pk), "documents": files}
        shown = client.post(reverse("knowledge:upload"), data, follow=True).content.decode()
        assert "files.zip" in shown and "0 of 3 files" in shown and "1 file uploaded" in shown
        assert "be unpacked" in shown

    def test_it_is_cancelled_by_a_click(self, client, curator, accepted):
        client.force_login(curator)
        url = reverse("knowledge:cancel_archive", args=[accepted.pk])
        assert "Cancelled: the files" in client.post(url, follow=True).content.decode()
