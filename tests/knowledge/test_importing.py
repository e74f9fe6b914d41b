import pytest
from django.core.management import CommandError, call_command

from knowledge import importing
from knowledge.importing import import_folder
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
