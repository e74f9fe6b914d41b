"""The page of encoders and its command, for administrators."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from knowledge.embedding import EncoderSpec
from knowledge.encoder_acts import switch_to
from knowledge.encoder_sources import check_source
from knowledge.errors import EncoderUnavailable
from knowledge.models import ChunkEmbedding, Encoder, EncoderSwitch
from knowledge.switching import work_on

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client, admin):
    client.force_login(admin)
    return lambda **headers: client.get(reverse("knowledge:encoders"), headers=headers)


def act(client, name, switch=None, **sent):
    address = reverse(f"knowledge:{name}", args=[switch.pk] if switch else [])
    return client.post(address, sent, follow=True).content.decode()


def test_before_the_first_document_it_says_what_will_be_used(page):
    text = page().content.decode()
    assert "Nothing is embedded yet" in text and "Begin the switch" not in text


def test_a_switch_from_the_form_to_its_end_and_back(page, client, upload_ready, served):
    upload_ready()
    assert "Begin the switch" in page().content.decode()
    sent = {"source": served("hash-24"), "query_prompt": "query: ", "is_normalised": "on"}
    text = act(client, "switch_encoder", **sent)
    switch = EncoderSwitch.objects.get()
    assert "Waiting for an ingestion worker" in text and "Begin the switch" not in text
    assert "every 2s" in page(HX_Request="true").content.decode()
    work_on(switch.pk)
    partial = page(HX_Request="true").content.decode()
    assert "The switch is over" in partial and "<html" not in partial
    encoder = Encoder.objects.get(state="active")
    assert (encoder.query_prompt, encoder.dimensions) == ("query: ", 24)
    text = page().content.decode()
    assert "Back to hash-16" in text and "Remove" in text
    act(client, "roll_back")
    work_on(EncoderSwitch.objects.first().pk)
    assert Encoder.objects.get(state="active").dimensions == 16


def test_pause_resume_and_give_up(page, client, begun):
    client.force_login(begun.started_by)
    assert "Paused" in act(client, "pause_switch", begun)
    assert "gone on meanwhile" in act(client, "pause_switch", begun)
    assert "Waiting" in act(client, "resume_switch", begun)
    assert "given up" in act(client, "give_up_switch", begun)
    begun.refresh_from_db()
    assert begun.status == "cancelled"


def test_a_retired_encoders_vectors_can_be_removed(page, client, begun):
    work_on(begun.pk)
    former = begun.former
    assert "not searched with" in act(client, "forget_encoder", encoder=begun.encoder_id)
    assert "are removed" in act(client, "forget_encoder", encoder=former.pk)
    assert not ChunkEmbedding.objects.filter(encoder=former.pk).exists()
    for nobody in ("", "x", "999"):
        act(client, "forget_encoder", encoder=nobody)
    assert "Back to" not in page().content.decode()


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"source": "https://host.example/v1"}, "#model-name"),
        ({"source": "x/y", "dimensions": "4001"}, "4000"),
        ({"source": ""}, "Name the encoder"),
        ({"source": "/nowhere/bge-m3"}, "There is no folder /nowhere/bge-m3"),
        ({"source": "models/of/nobody"}, "There is no folder"),
        ({"source": "https://host.example/v1#model"}, "is not allowed"),
    ],
)
def test_what_can_not_work_is_refused_at_once(page, client, upload_ready, sent, said):
    upload_ready()
    page()
    assert said in act(client, "switch_encoder", **sent)
    assert not EncoderSwitch.objects.exists()


def test_a_folder_without_safetensors_is_refused(page, client, upload_ready, tmp_path):
    upload_ready()
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    page()
    assert "no model.safetensors" in act(client, "switch_encoder", source=str(tmp_path))


@pytest.mark.parametrize("model", ["unknown-24", "broken-24", "secret-24"])
def test_a_server_that_encodes_nothing_is_refused(page, client, upload_ready, served, model):
    upload_ready()
    page()
    assert "encodes nothing now" in act(client, "switch_encoder", source=served(model))
    assert not EncoderSwitch.objects.exists()


def test_a_server_that_is_away_is_refused_and_a_busy_one_is_not(served, settings):
    settings.KNOWLEDGE_ENCODER_SERVERS += ["http://127.0.0.1:9/v1"]
    with pytest.raises(EncoderUnavailable, match="ConnectError"):
        check_source("http://127.0.0.1:9/v1#model")
    check_source(served("busy-24"))


def test_one_that_failed_says_so_and_counts_nothing(page, client, upload_ready, admin):
    upload_ready()
    switch = switch_to(EncoderSpec("nobody/knows-it"), actor=admin)
    EncoderSwitch.objects.update(status="failed", error="There is no such model.")
    text = page().content.decode()
    assert "0 of 0" not in text and "<progress" not in text and "Building" not in text
    assert "There is no such model." in text and "Mend it and resume" in text
    act(client, "give_up_switch", switch)
    assert "0 of 0" not in page().content.decode()


def run(*args, **options):
    out = io.StringIO()
    call_command("switch_encoder", *args, stdout=out, **options)
    return out.getvalue()


def test_the_command_switches_reports_and_goes_back(upload_ready, served):
    assert run() == ""
    upload_ready()
    text = run(served("hash-24"), "--here", "--document-prompt", "passage: ")
    assert "finished" in text and "active    hash-24" in text
    assert Encoder.objects.get(state="active").document_prompt == "passage: "
    assert "active    hash-16" in run("--roll-back", "--here")


def test_the_command_pauses_resumes_and_gives_up(begun):
    assert "paused" in run("--pause")
    assert "queued" in run("--resume")
    assert "cancelled" in run("--give-up")
    with pytest.raises(CommandError, match="no switch"):
        run("--pause")
    with pytest.raises(CommandError, match="4,000"):
        run("x/y", "--dimensions", "4001")
