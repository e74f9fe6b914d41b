"""A table with columns of any name waits until its uploader says what they mean."""

import io
from datetime import timedelta
from pathlib import Path

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from tests.conftest import make_user
from training.models import Dataset, Upload
from training.reconciling import reconcile

pytestmark = pytest.mark.django_db

TABLE = "Nr;Frage;Antwort;Quelle\n1;Welche Dichtung?;SK-17.;Handbuch\n2;Und nun?;;Handbuch\n"
SENT = TABLE.encode()
CHOICE = {"question": "Frage", "answer": "Antwort", "source": "Quelle"}


@pytest.fixture
def page(client, admin, tiny):
    client.force_login(admin)
    return client


def send(page, content=SENT, name="fragen.csv"):
    data = {"name": "Fragen", "file": SimpleUploadedFile(name, content)}
    return page.post(reverse("training:datasets"), data, follow=True)


def stored():
    return Path(Upload.objects.get().file.path)


def test_the_page_shows_the_rows_and_guesses_the_columns(page):
    response = send(page)
    html = response.content.decode()
    assert "Welche Dichtung?" in html
    assert response.context["form"].initial == CHOICE
    assert '<option value="Antwort" selected>' in html
    assert not Dataset.objects.exists()


def test_the_choice_makes_the_dataset_and_the_file_goes(page):
    url, path = send(page).request["PATH_INFO"], stored()
    html = page.post(url, CHOICE, follow=True).content.decode()
    dataset = Dataset.objects.get()
    assert (dataset.report["examples"], dataset.report["error_count"]) == (1, 1)
    assert dataset.columns == CHOICE
    assert dataset.examples.get().source == "Handbuch"
    assert "<code>Nr</code>" in html
    assert not Upload.objects.exists()
    assert not path.exists()


def test_a_workbook_takes_the_same_way(page):
    book, buffer = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["Prompt", "Reply"])
    book.active.append(["Which?", "SK-17."])
    book.save(buffer)
    url = send(page, buffer.getvalue(), "x.xlsx").request["PATH_INFO"]
    page.post(url, {"question": "Prompt", "answer": "Reply"})
    assert Dataset.objects.get().examples.get().line == 2


def test_the_same_table_read_otherwise_is_another_dataset(page):
    for choice in (CHOICE, {**CHOICE, "source": ""}, CHOICE):
        page.post(send(page).request["PATH_INFO"], choice)
    assert Dataset.objects.count() == 2


def test_an_earlier_choice_is_remembered(page):
    odd = {"question": "Antwort", "answer": "Frage"}
    page.post(send(page).request["PATH_INFO"], odd)
    assert send(page, SENT + b"3;a;b;c\n").context["form"].initial == odd


@pytest.mark.parametrize(
    "choice",
    [{}, {"question": "Frage"}, {"question": "Frage", "answer": "Frage"}, {"question": "x"}],
)
def test_half_a_choice_is_refused_and_the_file_kept(choice, page):
    url = send(page).request["PATH_INFO"]
    assert page.post(url, choice).status_code == 422
    assert stored().exists()


def test_an_upload_can_be_discarded(page):
    upload = send(page).context["upload"]
    path = stored()
    page.post(reverse("training:discard_upload", args=[upload.pk]))
    assert not Upload.objects.exists()
    assert not path.exists()


def test_nobody_else_finds_it(page, client):
    url = send(page).request["PATH_INFO"]
    client.force_login(make_user("ada", "admin"))
    assert client.get(url).status_code == 404
    assert client.post(f"{url}discard/").status_code == 404


def test_what_nobody_came_back_for_goes_by_itself(page):
    send(page)
    path = stored()
    reconcile()
    assert path.exists()
    Upload.objects.update(created_at=timezone.now() - timedelta(hours=25))
    reconcile()
    assert not path.exists()


def test_the_words_of_a_cell_are_never_markup(page):
    html = send(page, b"<b>Frage,Antwort\n<script>alert(1),b\n").content.decode()
    assert "<script>alert" not in html
    assert "<b>Frage" not in html


@pytest.mark.parametrize(
    ("columns", "status"),
    [
        ('{"question": "Frage", "answer": "Antwort"}', 201),
        ("", 422),
        ("{oops", 422),
        ('{"question": 1, "answer": 2}', 422),
        ("[" * 100_000, 422),
    ],
)
def test_the_api_is_told_the_columns(columns, status, page):
    file = SimpleUploadedFile("fragen.csv", SENT)
    data = {"name": "Fragen", "file": file, "columns": columns}
    response = page.post("/api/datasets", data)
    assert response.status_code == status
    assert Dataset.objects.exists() == (status == 201)
