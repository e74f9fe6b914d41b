import io
import zipfile
from zipfile import ZIP_DEFLATED, ZIP_LZMA

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.urls import reverse

from knowledge import importing
from knowledge.errors import UploadRefused
from knowledge.importing import import_archive, import_folder
from knowledge.models import Document, DocumentVersion
from knowledge.purging import purge
from knowledge.versions import trash

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "files"
    for name, text in {
        "seals.md": "Seals.",
        "a/readme.txt": "About a.",
        "b/readme.txt": "About b.",
        "b/picture.pdf": "\x89PNG",
        ".hidden.md": "Hidden.",
        ".git/config.txt": "Hidden, too.",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="latin-1")
    (root / "link.md").symlink_to(root / "seals.md")
    return root


def zipped(files, packing=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packing) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return ContentFile(buffer.getvalue(), name="files.zip")


class TestFolders:
    def test_every_file_becomes_a_document_and_refusals_are_told(self, folder, collection, curator):
        report = import_folder(folder, collection, actor=curator)
        assert str(report) == "3 added, 1 refused"
        assert [path for path, _reason in report.refusals] == ["b/picture.pdf"]
        paths = dict(Document.objects.values_list("source_path", "title"))
        assert paths == {
            "seals.md": "Seals",
            "a/readme.txt": "Readme",
            "b/readme.txt": "Readme (b)",
        }
        assert set(DocumentVersion.objects.values_list("priority", flat=True)) == {-1}

    def test_a_second_run_does_nothing(self, folder, collection, curator):
        import_folder(folder, collection, actor=curator)
        report = import_folder(folder, collection, actor=curator)
        assert str(report) == "3 unchanged, 1 refused"
        assert DocumentVersion.objects.count() == 3

    def test_what_changed_is_a_version_and_what_is_gone_is_told(self, folder, collection, curator):
        import_folder(folder, collection, actor=curator)
        (folder / "b/readme.txt").write_text("About b, better.")
        (folder / "seals.md").unlink()
        (folder / "a/more.txt").write_text("More.")
        report = import_folder(folder, collection, actor=curator)
        assert str(report) == "1 added, 1 changed, 1 unchanged, 1 refused, 1 no longer there"
        assert report.missing == ["seals.md"]
        assert Document.objects.get(source_path="b/readme.txt").versions.count() == 2
        assert Document.objects.get(source_path="seals.md").state == "active"

    def test_the_same_bytes_elsewhere_are_a_duplicate_each_time(self, folder, collection, curator):
        (folder / "z.md").write_text("Seals.")
        for _run in range(2):
            assert import_folder(folder, collection, actor=curator).counts["duplicate"] == 1
        assert DocumentVersion.objects.count() == 3

    @pytest.mark.parametrize("is_purged", [False, True])
    def test_what_was_deleted_stays_deleted_until_it_changes(
        self, folder, collection, curator, is_purged
    ):
        import_folder(folder, collection, actor=curator)
        document = Document.objects.get(source_path="seals.md")
        trash(document, actor=curator)
        if is_purged:
            purge(document, actor=curator)
        assert import_folder(folder, collection, actor=curator).counts["deleted before"] == 1
        (folder / "seals.md").write_text("Other seals.")
        assert import_folder(folder, collection, actor=curator).counts["added"] == 1
        assert import_folder(folder, collection, actor=curator).counts["unchanged"] == 3

    def test_a_file_that_is_gone_meanwhile_holds_back_no_other(self, folder, collection, curator):
        entries = list(importing.entries_of(folder))
        (folder / "seals.md").unlink()
        report = importing.Report()
        importing.take_in(entries, collection, report, actor=curator)
        assert report.counts["added"] == 2
        assert "it is gone" in dict(report.refusals)["seals.md"]


class TestTheCommand:
    def test_reports_counts_and_reasons(self, folder, collection, capsys):
        call_command("import_folder", str(folder), collection=collection.name, user=None)
        shown = capsys.readouterr()
        assert "3 added, 1 refused" in shown.out
        assert "b/picture.pdf: " in shown.err and "PNG picture" in shown.err

    def test_in_the_name_of_somebody_who_may(self, folder, collection, curator, bob):
        with pytest.raises(CommandError, match="bob"):
            call_command("import_folder", str(folder), collection=collection.name, user="bob")
        call_command("import_folder", str(folder), collection=collection.name, user="carla")
        assert set(Document.objects.values_list("owner__username", flat=True)) == {"carla"}

    def test_what_is_not_there_is_said(self, folder, collection):
        with pytest.raises(CommandError, match="There are: Service documents"):
            call_command("import_folder", str(folder), collection="Nothing")
        with pytest.raises(CommandError, match="no folder"):
            call_command("import_folder", str(folder / "x"), collection=collection.name)


class TestArchives:
    def test_each_member_is_taken_once(self, collection, curator):
        def send():
            return zipped({"a/seals.md": "Seals.", "__MACOSX/x.md": "no", ".x": "no", "a/": ""})

        assert str(import_archive(send(), collection, actor=curator)) == "1 added"
        assert Document.objects.get().source_path == "a/seals.md"
        assert str(import_archive(send(), collection, actor=curator)) == "1 unchanged"

    def test_names_that_lead_elsewhere_are_only_names(self, collection, curator, tmp_path):
        archive = zipped({"/etc/passwd.txt": "Words.", "../up.txt": "Left alone."})
        import_archive(archive, collection, actor=curator)
        version = DocumentVersion.objects.get()
        assert version.file.name.startswith("documents/") and "passwd" not in version.file.name
        assert version.document.source_path == "etc/passwd.txt"

    def test_too_many_or_too_much_is_refused_before_anything_is_read(
        self, collection, curator, monkeypatch, settings
    ):
        archive = zipped({"a.md": "A", "b.md": "B"})
        with monkeypatch.context() as patch:
            patch.setattr(importing, "MOST_IN_ARCHIVE", 1)
            with pytest.raises(UploadRefused, match="import_folder"):
                import_archive(archive, collection, actor=curator)
        settings.KNOWLEDGE_MAX_UPLOAD_MB = 1
        with pytest.raises(UploadRefused, match="MB"):
            import_archive(zipped({"a.md": b"0" * 11 * 1024**2}), collection, actor=curator)
        assert not Document.objects.exists()

    def test_one_member_larger_than_allowed_is_refused_alone(self, collection, curator, settings):
        settings.KNOWLEDGE_MAX_UPLOAD_MB = 1
        archive = zipped({"a.md": b"0" * 2 * 1024**2, "b.md": "Words."})
        assert str(import_archive(archive, collection, actor=curator)) == "1 added, 1 refused"

    @pytest.mark.parametrize("data", [b"PK\x03\x04 nothing", b""])
    def test_a_damaged_one_is_refused(self, collection, curator, data):
        with pytest.raises(UploadRefused) as refused:
            import_archive(ContentFile(data, name="a.zip"), collection, actor=curator)
        assert refused.value.code == "archive_damaged"

    def test_what_is_damaged_inside_is_refused_alone(self, collection, curator):
        archive = zipped({f"{n}.md": f"Words on thing {n}. " * 50 for n in range(4)}, ZIP_DEFLATED)
        data = bytearray(archive.read())
        place = data.find(b"1.md") + 10
        data[place : place + 20] = b"\xff" * 20
        for name, before, flags in ((data.find(b"2.md"), 30, 6), (data.rfind(b"2.md"), 46, 8)):
            data[name - before + flags] |= 1
        report = import_archive(ContentFile(bytes(data), "a.zip"), collection, actor=curator)
        assert str(report) == "2 added, 2 refused"
        assert dict(report.refusals).keys() == {"1.md", "2.md"}

    def test_packed_in_a_rare_way_is_refused_alone(self, collection, curator):
        report = import_archive(zipped({"a.md": "A."}, ZIP_LZMA), collection, actor=curator)
        assert "rare way" in dict(report.refusals)["a.md"]

    def test_a_path_that_is_too_long_is_refused_alone(self, collection, curator):
        archive = zipped({"d/" * 600 + "a.md": "A.", "b.md": "B."})
        assert str(import_archive(archive, collection, actor=curator)) == "1 added, 1 refused"

    def test_what_another_archive_held_is_not_missing(self, collection, curator):
        import_archive(zipped({"a.md": "A."}), collection, actor=curator)
        assert str(import_archive(zipped({}), collection, actor=curator)) == "no files"

    def test_through_the_page(self, client, curator, collection):
        client.force_login(curator)
        files = [zipped({"a.md": "A.", "b.pdf": "\x89PNG"}), ContentFile(b"C.", name="c.md")]
        data = {"collection": str(collection.pk), "documents": files}
        shown = client.post(reverse("knowledge:upload"), data, follow=True).content.decode()
        assert "1 added, 1 refused" in shown and "b.pdf: " in shown
        assert Document.objects.count() == 2
