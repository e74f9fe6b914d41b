"""The report names what would spoil a run: repeats, leaks, mixed sources, languages."""

import pytest
from django.urls import reverse

from tests.training.conftest import jsonl, line
from tests.training.test_likeness import LONG
from training import counting, datasets, findings, tasks
from training.datasets import import_dataset
from training.findings import find_leaks, question_of
from training.languages import UNKNOWN, tell_languages
from training.models import Dataset

pytestmark = pytest.mark.django_db

OTHERS = [line(f"What stands on page {n}?", f"Chapter {n} begins.") for n in range(20)]


def imported(*lines, actor):
    return import_dataset("Mixed", jsonl(*lines), actor=actor, filename="x.jsonl")


def test_near_duplicates_are_counted_and_marked(tiny, admin):
    twice = [line(LONG, "Yes, it does."), line(f"{LONG}?", "Yes, it does!")]
    dataset = imported(*OTHERS, *twice, actor=admin)
    assert dataset.report["findings"]["near_count"] == 1
    assert dict(dataset.examples.exclude(near=None).values_list("line", "near")) == {22: 21}


def test_a_held_back_question_that_is_learned_is_named(tiny, admin):
    pairs = [line(f"{LONG} {n}?", f"Answer {'x' * at}") for n in range(30) for at in (1, 2)]
    dataset = imported(*pairs, actor=admin)
    leaks = dataset.report["findings"]["split_leaks"]
    splits = dict(dataset.examples.values_list("line", "split"))
    assert leaks
    assert dataset.report["findings"]["split_leak_count"] == len(leaks)
    assert {(splits[leak["line"]], splits[leak["of"]]) for leak in leaks} == {("eval", "train")}


def test_sources_on_both_sides_are_named(tiny, admin):
    kept = imported(*[line(f"Q {n}?", "A.", source=f"s{n % 25}") for n in range(50)], actor=admin)
    mixed = imported(*[line(f"Q {n}?", "B.", source="one") for n in range(50)], actor=admin)
    assert kept.report["findings"]["mixed_sources"] == []
    assert mixed.report["findings"]["mixed_sources"] == ["one"]


def test_a_question_set_is_compared_with_what_is_asked(tiny, admin):
    prompt = f"Documents 1:\n\n[1] Manual\n{LONG * 3}\n\nEnd 1\n\nQuestion: {LONG}?"
    dataset = imported(line(prompt, "Yes."), *OTHERS, actor=admin)
    assert question_of(dataset.examples.first().messages) == f"{LONG}?"
    leaks = find_leaks(dataset.examples.all(), ["Something else?", f"{LONG} ", ""])
    assert [(leak.line, leak.asked) for leak in leaks] == [(1, LONG)]
    assert find_leaks(dataset.examples.all(), ["What stands on page 99?"]) == []


def test_a_large_dataset_is_looked_through_by_a_job(tiny, admin, monkeypatch):
    monkeypatch.setattr(datasets, "AT_ONCE", 3)
    dataset = imported(*OTHERS, actor=admin)
    assert "findings" not in dataset.report
    assert counting.queue_counts() == 1
    tasks.count_dataset(str(dataset.pk))
    assert Dataset.objects.get().report["findings"]["near_count"] == 0
    assert counting.queue_counts() == 0


def test_languages_are_told_by_their_filling_words():
    texts = [
        "Which of these is the one that fits into the pump?",
        "Welche von diesen ist die, die in der Pumpe sitzt?",
        "¿Cuál de estas es la que va en la bomba?",
        "SK-17",
        "どのシールが合いますか",
        "这个密封件适合哪个泵",
    ]
    told = tell_languages(texts)
    assert told == ["English", "German", "Spanish", UNKNOWN, "Japanese", "Chinese or Japanese"]
    assert tell_languages([]) == []


@pytest.fixture
def page(client, admin, tiny):
    client.force_login(admin)
    return client


def test_the_page_tells_the_findings_and_filters_by_them(page, admin):
    dataset = imported(*OTHERS, line(LONG, "Yes."), line(f"{LONG}.", "Yes!"), actor=admin)
    html = page.get(dataset.get_absolute_url(), {"show": "near"}).content.decode()
    assert "nearly the same as 21" in html
    assert html.count('data-label="Line"') == 1
    assert "<rect" in html


def test_a_length_is_tried_on_the_page(page, admin):
    dataset = imported(*OTHERS, line("Long?", "x" * 300), actor=admin)
    html = page.get(dataset.get_absolute_url(), {"max_length": 200}).content.decode()
    assert "1 example would not be learned" in html
    assert "line 21" in html
    assert 'class="bar-over"' in html
    html = page.get(dataset.get_absolute_url(), {"max_length": "many"}).content.decode()
    assert "Every example fits" in html


def test_questions_are_checked_on_the_page_and_over_the_api(page, admin):
    dataset = imported(*OTHERS, line(LONG, "Yes."), actor=admin)
    url = reverse("training:leaks", args=[dataset.pk])
    html = page.post(url, {"questions": f"{LONG}?\n\nAnd else?"}).content.decode()
    assert "1 example asks what these 2 questions ask" in html
    assert page.post(url, {"questions": " "}).status_code == 422
    assert page.get(url, {"page": 2}).url == f"{dataset.get_absolute_url()}?page=2"
    body = {"questions": [LONG]}
    found = page.post(f"/api/datasets/{dataset.pk}/leaks", body, content_type="application/json")
    assert found.json() == [{"line": 21, "question": LONG, "asked": LONG}]


def test_only_so_many_are_named_and_all_are_counted(tiny, admin, monkeypatch):
    monkeypatch.setattr(findings, "NAMED", 2)
    lines = [line(f"Q {n}?", f"A {at}", source=f"s{n}") for n in range(2) for at in range(30)]
    found = imported(*lines, actor=admin).report["findings"]
    assert len(found["split_leaks"]) == 2 < found["split_leak_count"]
