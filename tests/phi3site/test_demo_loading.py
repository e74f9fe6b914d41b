"""Loading the demo: everything is there once, readable by whom it is meant for, twice the same."""

import io

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db import transaction

from chat.models import Expert, ExpertVersion
from knowledge.models import Collection, Document, DocumentVersion
from phi3site.audit.models import AuditEvent
from phi3site.demo import DATASET, DOCUMENTS
from phi3site.demo import loading as demo_loading
from phi3site.demo.loading import DATASET_NAME, load_demo, sign_ins
from phi3site.demo.people import PASSWORD, PEOPLE
from training.models import Dataset, Run

pytestmark = pytest.mark.django_db

COUNTED = (User, Group, Collection, Document, DocumentVersion, Expert, ExpertVersion, Dataset)


def _counts():
    return {model.__name__: model.objects.count() for model in (*COUNTED, AuditEvent)}


@pytest.fixture
def loaded():
    return list(load_demo())


def _titles(username):
    user = User.objects.get(username=username)
    return set(
        Document.objects.filter(collection__in=Collection.objects.visible_to(user)).values_list(
            "title", flat=True
        )
    )


def _experts(username):
    return {
        expert.name for expert in Expert.objects.visible_to(User.objects.get(username=username))
    }


def test_every_file_is_a_document_with_a_version_by_carla(loaded):
    files = {path.name for path in DOCUMENTS.glob("*/*") if path.is_file()}
    assert set(DocumentVersion.objects.values_list("filename", flat=True)) == files
    assert set(DocumentVersion.objects.values_list("uploaded_by__username", flat=True)) == {"carla"}
    assert Document.objects.filter(title="Heron operating manual").exists()
    assert Document.objects.filter(title="Price list").exists()


def test_a_second_time_changes_nothing(loaded):
    before = _counts()
    assert list(load_demo()) == []
    assert _counts() == before


def test_what_a_break_left_out_is_made_the_next_time(monkeypatch):
    def break_off(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(demo_loading, "create_expert", break_off)
        with pytest.raises(KeyboardInterrupt), transaction.atomic():
            list(load_demo())
    assert not Expert.objects.exists()
    list(load_demo())
    assert Expert.objects.count() == 4
    assert list(load_demo()) == []


def test_half_of_the_documents_are_completed(loaded):
    gone = DocumentVersion.objects.get(filename="office-guide.html")
    gone.delete()
    Document.objects.filter(pk=gone.document_id).delete()
    assert list(load_demo()) == ["People & policies: Office and Site Guide uploaded"]


def test_changes_of_people_are_left_alone(loaded):
    erin = User.objects.get(username="erin")
    erin.set_password("her-own-words")
    erin.save()
    erin.groups.remove(Group.objects.get(name="Service team"))
    Expert.objects.filter(name="Office expert").update(is_archived=True)
    Document.objects.filter(title="Warranty Terms").update(state=Document.State.TRASHED)
    assert list(load_demo()) == []
    assert authenticate(username="erin", password="her-own-words")
    assert not erin.groups.filter(name="Service team").exists()
    assert Expert.objects.get(name="Office expert").is_archived


def test_each_team_reads_its_own_documents_only(loaded):
    assert "Safety Manual" in _titles("erin")
    assert "Leave Policy" not in _titles("erin")
    assert "Leave Policy" in _titles("omar")
    assert "Safety Manual" not in _titles("omar")
    assert {"Safety Manual", "Leave Policy"} <= _titles("carla")
    assert _titles("audrey") == set()


def test_only_the_curator_and_the_admin_manage_documents(loaded):
    managed = {
        person.username: Collection.objects.manageable_by(
            User.objects.get(username=person.username)
        ).count()
        for person in PEOPLE
    }
    assert managed == {"erin": 0, "omar": 0, "carla": 2, "adam": 2, "audrey": 0}


def test_experts_are_live_and_open_to_their_teams(loaded):
    common = {"All documents", "Phi-3 without documents"}
    assert _experts("erin") == common | {"Service expert"}
    assert _experts("omar") == common | {"Office expert"}
    plain = Expert.objects.get(name="Phi-3 without documents").live_version
    assert plain is not None
    assert not plain.collections.exists()
    whole = Expert.objects.get(name="All documents").live_version
    assert whole is not None
    assert whole.collections.count() == 2


def test_people_sign_in_and_have_their_roles(loaded):
    for person in PEOPLE:
        user = authenticate(username=person.username, password=PASSWORD)
        assert user is not None
        assert set(user.groups.values_list("name", flat=True)) == {person.role, *person.teams}
    assert User.objects.get(username="adam").is_staff
    assert not User.objects.filter(is_superuser=True).exists()


def test_the_dataset_is_offered_and_no_run_is_started(loaded):
    dataset = Dataset.objects.get(name=DATASET_NAME)
    lines = len(DATASET.read_text(encoding="utf-8").splitlines())
    assert dataset.report["error_count"] == 0
    assert dataset.report["duplicate_count"] == 0
    assert dataset.report["examples"] == lines
    assert not Run.objects.exists()


def test_the_command_ends_with_the_table_of_accounts():
    out = io.StringIO()
    call_command("load_demo", stdout=out)
    table = out.getvalue().strip().rpartition("\n\n")[2]
    assert table == sign_ins()
    assert table.count(PASSWORD) == len(PEOPLE)
    again = io.StringIO()
    call_command("load_demo", stdout=again)
    assert again.getvalue().startswith("The demo is there already.")
