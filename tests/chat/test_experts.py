"""Experts change by frozen versions; adapters are what their manifest says, or nothing."""

import io
import zipfile
from uuid import uuid4

import pytest
from django.urls import reverse

from chat.adapters import (
    adapter_ref,
    check_folder,
    export_adapter,
    register_adapter,
    retire_adapter,
    verify_adapter,
)
from chat.engine import Sampling
from chat.errors import AdapterRefused, ChatError, StateConflict
from chat.experts import (
    RetrievalSettings,
    archive,
    create_expert,
    new_version,
    promote,
    retrieval_of,
    sampling_of,
)
from chat.fingerprints import write_manifest
from chat.models import Adapter, Expert
from phi3site.audit.models import AuditEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(settings):
    """A sealed adapter folder inside the data folder."""
    folder = settings.DATA_DIR / "adapters" / str(uuid4())
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text('{"r": 16}')
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    write_manifest(folder, base="w-t-c")
    return folder


def register(folder, **fields):
    values = {
        "name": "Service", "base_model": "demo", "method": "lora", "rank": 16,
        "target_modules": ["qkv_proj"],
    }  # fmt: skip
    return register_adapter(folder, **values | fields)


def test_an_expert_is_live_with_its_first_version(admin, alice, mallory, team, collection):
    expert = create_expert("Service", actor=admin, collections=[collection], groups=[team])
    assert expert.live_version.number == 1
    assert Expert.objects.visible_to(alice).get() == expert
    assert not Expert.objects.visible_to(mallory).exists()
    with pytest.raises(ChatError) as taken:
        create_expert("Service", actor=admin)
    assert taken.value.code == "name_taken" and Expert.objects.count() == 1


def test_a_new_version_answers_nobody_until_it_is_promoted(admin, expert):
    version = new_version(expert, actor=admin, system_prompt="Other words.")
    expert.refresh_from_db()
    assert (version.number, expert.live_version.number) == (2, 1)
    promote(version, actor=admin)
    expert.refresh_from_db()
    assert expert.live_version == version
    assert AuditEvent.objects.latest("seq").action == "expert_version.promoted"


def test_an_archived_expert_can_not_be_seen(admin, alice, expert):
    archive(expert, actor=admin)
    assert not Expert.objects.visible_to(alice).exists()


def test_stored_settings_come_back_in_their_types(expert):
    version = expert.live_version
    version.sampling = {"temperature": 1, "max_tokens": 64, "unknown": 1}
    version.retrieval = {"passages": 2, "min_score": 0, "gone": "x"}
    assert sampling_of(version) == Sampling(temperature=1.0, max_tokens=64)
    assert isinstance(sampling_of(version).temperature, float)
    assert retrieval_of(version) == RetrievalSettings(passages=2, min_score=0.0)
    assert retrieval_of(None) == RetrievalSettings()


def test_an_adapter_is_registered_once_a_run(folder, settings):
    run = uuid4()
    adapter = register(folder, run_id=run)
    assert register(folder, run_id=run) == adapter
    assert register(folder).version == 2
    assert adapter.manifest.keys() == {"adapter_config.json", "adapter_model.safetensors"}
    ref = adapter_ref(adapter)
    assert (ref.name, ref.folder) == (str(adapter.pk), folder.resolve())
    assert verify_adapter(adapter) == []


def test_an_adapter_for_another_base_is_refused(folder):
    with pytest.raises(AdapterRefused) as refused:
        register(folder, expected_base="other")
    assert refused.value.code == "adapter_base" and not Adapter.objects.exists()


@pytest.mark.parametrize("name", ["adapter_model.bin", "optimizer.pt", "modeling.py", "x.pkl"])
def test_pickles_and_code_are_refused(folder, name):
    (folder / name).write_bytes(b"x")
    with pytest.raises(AdapterRefused) as refused:
        check_folder(folder)
    assert refused.value.code == "adapter_pickle"


@pytest.mark.parametrize("manifest", ["", "{", "[]", '{"files": {}}', '{"files": 7, "base": "x"}'])
def test_a_folder_without_a_good_manifest_is_refused(folder, manifest):
    (folder / "adapter_manifest.json").write_text(manifest)
    with pytest.raises(AdapterRefused):
        check_folder(folder)


def test_a_changed_byte_is_found_before_loading(folder):
    adapter = register(folder)
    adapter_ref(adapter)
    (folder / "adapter_model.safetensors").write_bytes(b"evil!!!")
    assert verify_adapter(adapter) == ["adapter_model.safetensors"]
    for use in (adapter_ref, lambda a: export_adapter(a, actor=None)):
        with pytest.raises(AdapterRefused):
            use(adapter)
    (folder / "adapter_model.safetensors").unlink()
    with pytest.raises(AdapterRefused):
        adapter_ref(adapter)


def test_a_path_that_leaves_the_data_folder_is_refused(folder):
    adapter = register(folder)
    adapter.folder = "../../etc"
    with pytest.raises(AdapterRefused):
        adapter_ref(adapter)


def test_an_export_holds_exactly_the_registered_files(folder, admin):
    (folder / "notes.txt").write_text("not registered")
    archived = export_adapter(register(folder), actor=admin)
    names = zipfile.ZipFile(io.BytesIO(archived)).namelist()
    assert names == ["adapter_config.json", "adapter_model.safetensors", "adapter_manifest.json"]


def test_an_adapter_that_answers_can_not_be_retired(folder, admin):
    adapter = register(folder)
    expert = create_expert("Tuned", actor=admin, adapter=adapter)
    adapter.refresh_from_db()
    assert adapter.state == "live"
    with pytest.raises(StateConflict):
        retire_adapter(adapter, actor=admin)
    promote(new_version(expert, actor=admin), actor=admin)
    retire_adapter(adapter, actor=admin)
    old = expert.versions.get(number=1)
    with pytest.raises(StateConflict):
        promote(old, actor=admin)


def test_the_console_makes_an_expert_a_version_and_promotes_it(client, admin, collection, team):
    client.force_login(admin)
    form = {
        "name": "Pumps", "description": "", "examples": "One?\n\nTwo?", "groups": [team.pk],
        "system_prompt": "Be brief.", "collections": [collection.pk], "passages": 3,
        "min_score": 0.4, "temperature": 0.5, "max_tokens": 99,
    }  # fmt: skip
    assert client.post(reverse("chat:new_expert"), form).status_code == 302
    expert = Expert.objects.get(name="Pumps")
    assert expert.examples == ["One?", "Two?"] and list(expert.groups.all()) == [team]
    assert retrieval_of(expert.live_version).passages == 3
    page = client.get(reverse("chat:new_version", args=[expert.pk])).content.decode()
    assert "Be brief." in page and "0.4" in page
    client.post(reverse("chat:new_version", args=[expert.pk]), form | {"passages": 5})
    client.post(reverse("chat:promote", args=[expert.pk]), {"version": "2"})
    expert.refresh_from_db()
    assert (expert.live_version.number, retrieval_of(expert.live_version).passages) == (2, 5)
    edited = form | {"name": "Pumps and mixers"}
    client.post(reverse("chat:edit_expert", args=[expert.pk]), edited)
    assert (
        "Pumps and mixers" in client.get(reverse("chat:expert", args=[expert.pk])).content.decode()
    )
    assert (
        client.post(reverse("chat:promote", args=[expert.pk]), {"version": "x"}).status_code == 404
    )
    client.post(reverse("chat:archive", args=[expert.pk]))
    assert client.get(reverse("chat:expert", args=[expert.pk])).status_code == 404


def test_a_form_out_of_range_makes_nothing(client, admin):
    client.force_login(admin)
    bad = {"name": "X", "system_prompt": "x", "passages": 0, "min_score": 2, "temperature": -1,
           "max_tokens": 10**9}  # fmt: skip
    assert client.post(reverse("chat:new_expert"), bad).status_code == 200
    assert not Expert.objects.exists()


def test_the_console_shows_exports_and_retires_adapters(client, admin, folder):
    adapter = register(folder)
    client.force_login(admin)
    assert "Service v1" in client.get(reverse("chat:adapters")).content.decode()
    page = client.get(reverse("chat:adapter", args=[adapter.pk])).content.decode()
    assert adapter.manifest["adapter_config.json"] in page and "as they were registered" in page
    exported = client.post(reverse("chat:export_adapter", args=[adapter.pk]))
    assert zipfile.is_zipfile(io.BytesIO(exported.content))
    client.post(reverse("chat:retire_adapter", args=[adapter.pk]))
    (folder / "adapter_config.json").write_text("{}")
    page = client.get(reverse("chat:adapter", args=[adapter.pk])).content.decode()
    assert "differs from what was registered" in page
    refused = client.post(reverse("chat:export_adapter", args=[adapter.pk]), follow=True)
    assert b"The adapter is not loaded" in refused.content


def test_an_adapter_leads_to_a_form_that_has_chosen_it(client, admin, folder):
    adapter = register(folder)
    client.force_login(admin)
    link = f"{reverse('chat:new_expert')}?adapter={adapter.pk}"
    page = client.get(reverse("chat:adapter", args=[adapter.pk])).content.decode()
    assert link in page
    assert f'<option value="{adapter.pk}" selected>' in client.get(link).content.decode()
    assert client.get(f"{reverse('chat:new_expert')}?adapter=nonsense").status_code == 200


@pytest.mark.parametrize("name", ["experts", "new_expert", "adapters"])
def test_the_console_is_for_those_who_manage_experts(client, alice, curator, auditor, name):
    for user in (alice, curator, auditor):
        client.force_login(user)
        assert client.get(reverse(f"chat:{name}")).status_code == 403
