"""The administrator's pages: datasets and runs, for those who may train and for nobody else."""

import re
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from chat.bases import context_limit
from tests.training.conftest import line, seal_lines
from training.bases import find_base
from training.models import Dataset, Metric, Run
from training.recipes import LABELS
from training.runs import claim_run, fail_run

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def page(client, admin):
    """Opens pages as the administrator."""
    client.force_login(admin)
    return client


def upload(content, name="seals.jsonl"):
    return {"name": "Seals", "file": SimpleUploadedFile(name, content)}


def text_of(response):
    return re.sub(r"\s+", " ", response.content.decode())


def test_an_upload_leads_to_its_report(page, tiny):
    content = b"\n".join([*seal_lines(12), b"{oops", *seal_lines(1)])
    response = page.post(reverse("training:datasets"), upload(content), follow=True)
    html = text_of(response)
    assert "not valid JSON" in html
    assert "line 14 = line 1" in html
    assert "holds 12 examples" in html
    assert "style=" not in html


def test_the_same_file_again_is_recognised(page, dataset):
    content = b"\n".join(seal_lines()) + b"\n"
    response = page.post(reverse("training:datasets"), upload(content), follow=True)
    assert "is here already" in text_of(response)
    assert Dataset.objects.count() == 1


@pytest.mark.parametrize("content", [b"", b"{oops"])
def test_a_useless_file_is_refused_beside_its_field(content, page, tiny):
    response = page.post(reverse("training:datasets"), upload(content))
    assert response.status_code == 422
    assert 'class="errorlist"' in text_of(response)


def test_a_file_that_is_too_large_is_refused(page, tiny, settings):
    settings.TRAINING_MAX_UPLOAD_MB = 0
    response = page.post(reverse("training:datasets"), upload(line("Hi", "Yo")))
    assert "larger than 0 MB" in text_of(response)


def test_an_example_shows_what_is_learned(page, dataset):
    response = page.get(reverse("training:example", args=[dataset.pk, 1]))
    shown = response.content.decode().partition("<pre")[2]
    marked = re.findall(r"<mark[^>]*>(.*?)</mark>", shown, re.S)
    assert "".join(marked) == "SK-0.&lt;|end|&gt;"


def test_the_words_of_an_example_are_never_markup(page, tiny):
    content = line("<script>alert(1)</script>", "<img src=x>")
    response = page.post(reverse("training:datasets"), upload(content), follow=True)
    assert b"<script>alert" not in response.content
    assert b"<img src=x" not in response.content


def run_data(page, chosen, changes):
    form = page.get(reverse("training:new_run")).context["form"]
    data = {name: field.initial for name, field in form.fields.items() if name != "run_id"}
    data = {name: value for name, value in data.items() if value is not None and value is not False}
    data |= {"dataset": chosen.pk, "name": "Seals", "run_id": uuid4(), "max_length": 512}
    return data | changes


def test_the_form_of_a_run_starts_it_once(page, dataset):
    data = run_data(page, dataset, {"method": "qlora", "r": 4})
    for _ in range(2):
        response = page.post(reverse("training:new_run"), data)
    run = Run.objects.get()
    assert response.url == run.get_absolute_url()
    assert (run.recipe["method"], run.recipe["r"]) == ("qlora", 4)
    assert run.recipe["gradient_checkpointing"] is False


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("r", "0"),
        ("r", "$(touch x)"),
        ("r", "256"),
        ("learning_rate", "nan"),
        ("method", "--flag"),
        ("target_modules", ["q_proj"]),
        ("max_steps", "0"),
        ("dataset", "00000000-0000-0000-0000-000000000000"),
    ],
)
def test_a_bad_field_is_refused_where_it_stands(field, value, page, dataset):
    response = page.post(reverse("training:new_run"), run_data(page, dataset, {field: value}))
    assert response.status_code == 422
    assert response.context["form"].errors.keys() == {field}
    assert not Run.objects.exists()


def test_a_preset_as_offered_fits_a_base_model_with_a_short_context(page, dataset):
    limit = context_limit(find_base())
    assert limit < 2048
    form = page.get(reverse("training:new_run"), {"preset": "quick"}).context["form"]
    assert form.fields["max_length"].initial == limit
    data = run_data(page, dataset, {"max_length": limit})
    assert page.post(reverse("training:new_run"), data).status_code == 302


def test_a_fold_is_open_when_a_field_in_it_is_refused(page, dataset):
    fold = re.compile(r'<details class="fold"( open)?><summary>All other')
    form = page.get(reverse("training:new_run")).content.decode()
    assert fold.search(form).group(1) is None
    data = run_data(page, dataset, {"max_length": 100_000})
    refused = page.post(reverse("training:new_run"), data).content.decode()
    assert fold.search(refused).group(1) == " open"
    assert "tokens at most" in refused


def test_each_preset_fills_the_form(page, dataset):
    ranks = [
        page.get(reverse("training:new_run"), {"preset": name}).context["form"].fields["r"].initial
        for name in ("quick", "thorough", "unknown")
    ]
    assert ranks == [16, 32, 16]


def test_a_run_under_way_is_asked_for_again_and_shows_its_curve(page, run):
    held = claim_run(run.pk)
    Run.objects.filter(pk=run.pk).update(status="running", step=4)
    for step in range(1, 5):
        values = {"loss": 3.0 / step, "at": 10.0 * step, "tokens": 100 * step}
        Metric.objects.create(run=held, step=step, kind="train", values=values)
    html = text_of(page.get(run.get_absolute_url()))
    assert 'hx-trigger="every 2s"' in html
    assert "about 0:00:40 left" in html
    assert "<polyline" in html
    assert "Cancel the run" in html
    partial = text_of(page.get(run.get_absolute_url(), **HTMX))
    assert "<html" not in partial
    assert "Step 4 of 8" in partial


def test_the_page_is_loaded_anew_when_the_run_has_ended(page, run):
    fail_run(claim_run(run.pk), "diverged", "The loss was no number.")
    assert page.get(run.get_absolute_url(), **HTMX)["HX-Refresh"] == "true"
    html = text_of(page.get(run.get_absolute_url()))
    assert "The loss was no number." in html
    assert "Resume" in html
    assert "hx-trigger" not in html


def test_cancel_and_resume_by_a_click(page, run):
    page.post(reverse("training:cancel_run", args=[run.pk]))
    run.refresh_from_db()
    assert run.status == Run.Status.CANCELLED
    page.post(reverse("training:resume_run", args=[run.pk]))
    run.refresh_from_db()
    assert run.status == Run.Status.QUEUED
    response = page.post(reverse("training:resume_run", args=[run.pk]), follow=True)
    assert "Only a failed or cancelled run" in text_of(response)


def test_what_a_cancelled_run_keeps_is_told_as_it_is(page, run):
    def cancel():
        Run.objects.filter(pk=run.pk).update(status="running", cancel_requested=False)
        asked = text_of(page.get(run.get_absolute_url()))
        told = text_of(page.post(reverse("training:cancel_run", args=[run.pk]), follow=True))
        Run.objects.filter(pk=run.pk).update(status="cancelled")
        return asked, told, text_of(page.get(run.get_absolute_url()))

    asked, told, after = cancel()
    assert "No checkpoint is saved yet" in asked
    assert "checkpoint is kept" not in asked + told + after
    assert "begins at its first step" in after
    for step in (2, 4):
        run.checkpoints.create(step=step, folder=f"checkpoints/step-{step}")
    asked, told, after = cancel()
    assert "Its checkpoint of step 4 is kept" in asked
    assert "The checkpoint of step 4 is kept" in after


def test_a_run_is_told_in_proper_words(page, run):
    Run.objects.filter(pk=run.pk).update(status="failed")
    html = text_of(page.get(run.get_absolute_url()))
    recipe = html[html.index('id="recipe-title"') :]
    assert (
        '<dt title="gradient_checkpointing">Save memory by computing twice</dt><dd>no</dd>'
        in recipe
    )
    assert "<dd>LoRA</dd>" in recipe
    shown = re.findall(r'<dt title="(\w+)"', recipe)
    assert shown == [name for name in LABELS if name in run.recipe]
    labels = re.findall(r"<dt[^>]*>([^<]+)<", html) + re.findall(r'class="label">([^<]+)<', html)
    assert all(label[0].isupper() for label in labels), labels


def test_the_list_of_runs_moves_while_a_run_does(page, run):
    assert "every 3s" in text_of(page.get(reverse("training:runs")))
    assert "<html" not in text_of(page.get(reverse("training:runs"), **HTMX))
    Run.objects.update(status="failed")
    assert "every 3s" not in text_of(page.get(reverse("training:runs")))


def test_nobody_else_gets_in(client, run, alice, curator, auditor):
    addresses = [
        *(reverse(f"training:{name}") for name in ("datasets", "runs", "new_run")),
        *(run.get_absolute_url(), run.dataset.get_absolute_url()),
        reverse("training:example", args=[run.dataset_id, 1]),
    ]
    for person in (alice, curator, auditor):
        client.force_login(person)
        assert {client.get(address).status_code for address in addresses} == {403}
        assert client.post(reverse("training:cancel_run", args=[run.pk])).status_code == 403
    client.logout()
    assert {client.get(address).status_code for address in addresses} == {302}
    run.refresh_from_db()
    assert run.status == Run.Status.QUEUED
