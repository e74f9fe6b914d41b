"""The keyword index of a database that was started anew; the vector index: see test_retrieval."""

import pytest
from django.db import connection
from django.urls import reverse

from knowledge import indexes
from knowledge.explaining import run_test
from knowledge.indexes import KEYWORD_INDEX, LOCK, renew_keyword_index
from knowledge.reconciling import reconcile
from knowledge.retrieval import retrieve
from knowledge.search_tests import begin_test
from phi3site.health import short_connection

pytestmark = pytest.mark.django_db(transaction=True)


def ask(statement, *params):
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchone() if cursor.description else None


def on_disk():
    """Changes whenever the index is made anew."""
    return ask("SELECT pg_relation_filenode(to_regclass(%s))", KEYWORD_INDEX)


def start_anew():
    """As a start of the server leaves it: the index is of another life."""
    ask(f"COMMENT ON INDEX {KEYWORD_INDEX} IS 'another life'")


def test_is_made_anew_once_after_each_start_and_finds_as_before(ingested, bob):
    ingested()
    assert not renew_keyword_index()
    before = on_disk()
    start_anew()
    reconcile()
    assert on_disk() != before and not renew_keyword_index()
    scores = retrieve("seal kit", user=bob, collections=None).passages[0].scores
    assert scores["keyword"]["rank"] == 1


def test_until_then_a_search_goes_by_meaning_alone_and_says_so(ingested, bob, curator, client):
    ingested()
    start_anew()
    found = retrieve("seal kit", user=bob, collections=None)
    assert "SK-17" in found.passages[0].text and "by meaning alone" in found.gap
    assert all("keyword" not in passage.scores for passage in found.ranked)
    part = client.get(reverse("readyz")).json()["parts"]["keyword index"]
    assert part == {"ok": True, "detail": indexes.STALE}
    test = begin_test("seal kit", owner=curator, person=curator)
    run_test(test.pk)
    client.force_login(curator)
    url = reverse("knowledge:search_test", args=[test.pk])
    assert "by meaning alone" in client.get(url).content.decode()
    reconcile()
    assert retrieve("seal kit", user=bob, collections=None).gap == ""
    assert client.get(reverse("readyz")).json()["parts"]["keyword index"]["detail"] == "answers"


def test_what_a_killed_renewal_left_is_removed(ingested):
    ingested()
    half = f"{KEYWORD_INDEX}_ccnew"
    ask(
        f"CREATE INDEX {half} ON knowledge_chunk USING bm25 (context_text) "
        "WITH (text_config = 'english') WHERE is_live"
    )
    start_anew()
    assert renew_keyword_index()
    assert ask("SELECT to_regclass(%s)", half) == (None,)


def test_another_worker_that_is_at_it_is_left_alone(ingested):
    ingested()
    start_anew()
    before = on_disk()
    with short_connection() as other:
        other.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        assert not renew_keyword_index()
    assert on_disk() == before


def test_after_the_way_back_to_an_older_site_no_index_is_made(monkeypatch):
    with monkeypatch.context() as older:
        older.setattr(indexes, "WORDS", "public.of_a_newer_site")
        ask(f"DROP INDEX {KEYWORD_INDEX}")
        indexes.ensure_keyword_index()
        assert not indexes.has_bm25()
    indexes.ensure_keyword_index()
    assert indexes.has_bm25()
