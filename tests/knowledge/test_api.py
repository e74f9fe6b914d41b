import pytest
from django.core.files.base import ContentFile

from knowledge.models import Document

pytestmark = pytest.mark.django_db


@pytest.fixture
def call(client):
    """Calls the API as somebody: status and JSON."""

    def call(user, method, path, data=None):
        client.force_login(user)
        response = getattr(client, method)(f"/api{path}", data)
        return response.status_code, response.json() if response.content else None

    return call


def file(text=b"Words about seals.", name="seals.txt"):
    return ContentFile(text, name=name)


def test_upload_read_and_delete(call, curator, bob, collection):
    data = {"collection": str(collection.pk), "file": file(), "title": "Seals"}
    status, uploaded = call(curator, "post", "/documents", data)
    assert (status, uploaded["was_already_there"]) == (201, False)
    assert uploaded["version"]["status"] == "queued"
    status, again = call(curator, "post", "/documents", {**data, "file": file()})
    assert (status, again["document_id"]) == (200, uploaded["document_id"])
    path = f"/documents/{uploaded['document_id']}"
    status, document = call(bob, "get", path)
    assert (status, document["title"], len(document["versions"])) == (200, "Seals", 1)
    assert call(curator, "delete", path)[0] == 204
    assert call(bob, "get", path)[0] == 404


def test_refusals_have_a_code_and_words(call, curator, collection):
    data = {"collection": str(collection.pk), "file": file(b"\x89PNG", "a.pdf")}
    status, body = call(curator, "post", "/documents", data)
    assert (status, body["code"]) == (422, "type_mismatch")
    assert "PNG picture" in body["message"]


def test_what_can_not_be_seen_is_left_out_of_a_title(call, curator, collection):
    data = {"collection": str(collection.pk), "file": file(), "title": "Se\0al\u202es"}
    status, uploaded = call(curator, "post", "/documents", data)
    assert status == 201
    path = f"/documents/{uploaded['document_id']}"
    assert call(curator, "get", path)[1]["title"] == "Seals"


def test_states_are_kept(call, curator, upload):
    version = upload()
    assert call(curator, "post", f"/versions/{version.pk}/retry")[0] == 409
    status, body = call(curator, "post", f"/versions/{version.pk}/cancel")
    assert (status, body["status"]) == (200, "cancelled")
    assert call(curator, "post", f"/versions/{version.pk}/retry")[1]["status"] == "queued"


def test_lists_hold_what_the_person_may_read(call, upload, bob, mallory, collection):
    upload()
    assert call(bob, "get", "/documents")[1]["count"] == 1
    assert call(bob, "get", "/collections")[1]["items"][0]["name"] == "Service documents"
    assert call(bob, "get", f"/documents?collection={collection.pk}")[1]["count"] == 1
    assert call(mallory, "get", "/documents")[1]["count"] == 0
    assert call(mallory, "get", "/collections")[1]["count"] == 0
    assert call(mallory, "get", f"/documents?collection={collection.pk}")[1]["count"] == 0


def test_strangers_and_readers_change_nothing(call, upload, bob, mallory, collection):
    version = upload()
    data = {"collection": str(collection.pk), "file": file()}
    for user in (bob, mallory):
        assert call(user, "post", "/documents", data)[0] == 403
        assert call(user, "delete", f"/documents/{version.document_id}")[0] == 403
        assert call(user, "post", f"/versions/{version.pk}/cancel")[0] == 403
    assert call(mallory, "get", f"/documents/{version.document_id}")[0] == 404
    assert Document.objects.get().state == "active"


def test_nobody_signed_in_hears_401(client):
    assert client.get("/api/documents").status_code == 401
