import threading

import pytest
from django.core.files.base import ContentFile
from django.db import connection, transaction
from django.test import Client

from knowledge.models import DocumentVersion


@pytest.fixture
def post(collection):
    """Uploads over the API under a key; status and body."""

    def post(user, key, text=b"Words.", **fields):
        client = Client()
        client.force_login(user)
        data = {
            "collection": str(collection.pk),
            "file": ContentFile(text, name="a.txt"),
            **fields,
        }
        headers = {"Idempotency-Key": key} if key else {}
        response = client.post("/api/documents", data, headers=headers)
        return response.status_code, response.json()

    return post


@pytest.mark.django_db
class TestKeys:
    def test_the_same_upload_again_has_one_effect_and_one_answer(self, post, curator):
        assert post(curator, "k-1") == post(curator, "k-1")
        assert post(curator, "k-1")[0] == 201
        assert DocumentVersion.objects.count() == 1

    def test_an_answer_that_it_was_there_already_is_repeated_too(self, post, curator):
        post(curator, "")
        assert [post(curator, "k-2")[0] for _try in range(2)] == [200, 200]

    @pytest.mark.parametrize("other", [{"text": b"Other."}, {"title": "Other"}])
    def test_another_upload_under_the_key_is_refused(self, post, curator, other):
        post(curator, "k-1")
        status, body = post(curator, "k-1", **other)
        assert (status, body["code"]) == (409, "state_conflict")
        assert DocumentVersion.objects.count() == 1

    def test_keys_are_each_persons_own(self, post, curator, admin):
        assert post(curator, "k-1")[0] == 201
        status, body = post(admin, "k-1", text=b"Other.", title="Other")
        assert (status, body["was_already_there"]) == (201, False)

    @pytest.mark.parametrize("key", ["x" * 201, "a\tb"])
    def test_a_key_that_is_none_is_refused(self, post, curator, key):
        assert post(curator, key)[1]["code"] == "bad_key"

    def test_a_refused_upload_can_be_sent_again_under_its_key(self, post, curator, settings):
        settings.KNOWLEDGE_MAX_UPLOAD_MB = 0
        assert post(curator, "k-1")[1]["code"] == "upload_too_large"
        settings.KNOWLEDGE_MAX_UPLOAD_MB = 1
        assert post(curator, "k-1")[0] == 201


@pytest.mark.django_db(transaction=True)
def test_two_at_once_make_one(post, curator):
    answers, start = [], threading.Barrier(2)

    def send():
        start.wait()
        answers.append(post(curator, "k-1"))
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(2)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert {status for status, _body in answers} == {201}
    assert len({body["version"]["id"] for _status, body in answers}) == 1
    with transaction.atomic():
        assert DocumentVersion.objects.count() == 1
