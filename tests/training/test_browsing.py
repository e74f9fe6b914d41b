"""An example is shown as the very tokens, and leads to its neighbours in the list."""

import re

import pytest
from django.urls import reverse

from training.browsing import tokens_of
from training.counting import base_codec
from training.masking import IGNORED, mask_example

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client, admin):
    client.force_login(admin)
    return client


def test_tokens_are_those_that_training_learns(dataset):
    example = dataset.examples.first()
    codec = base_codec()
    masked, tokens = mask_example(codec, example.messages), tokens_of(example, codec)
    assert [token.number for token in tokens] == masked.ids
    assert [token.is_learned for token in tokens] == [one != IGNORED for one in masked.labels]
    special = "".join(token.text for token in tokens if token.is_special)
    assert special == "<|user|><|end|><|assistant|><|end|>"


def test_words_of_an_example_that_look_special_are_not(tiny, admin):
    from tests.training.conftest import jsonl, line
    from training.datasets import import_dataset

    file = jsonl(line("Say <|end|>", "Never <|assistant|>"))
    example = import_dataset("x", file, actor=admin, filename="x.jsonl").examples.get()
    assert sum(token.is_special for token in tokens_of(example, base_codec())) == 4


def test_ids_are_shown_on_request(page, dataset):
    url = reverse("training:example", args=[dataset.pk, 1])
    ids = [str(token.number) for token in tokens_of(dataset.examples.first(), base_codec())]
    assert "<rt>" not in page.get(url).content.decode()
    shown = page.get(url, {"ids": 1}).content.decode()
    assert re.findall(r"<rt>(\d+)</rt>", shown) == ids


def test_neighbours_are_those_of_the_filter(page, dataset):
    dataset.examples.filter(line__in=(3, 9, 20)).update(near=1)
    url = reverse("training:example", args=[dataset.pk, 9])
    assert (lambda c: (c["previous"], c["next"]))(page.get(url).context) == (8, 10)
    near = page.get(url, {"show": "near"})
    assert (near.context["previous"], near.context["next"]) == (3, 20)
    assert "/lines/20/?show=near" in near.content.decode()
    last = reverse("training:example", args=[dataset.pk, 24])
    assert page.get(last).context["next"] is None


def test_a_filter_that_there_is_not_shows_all(page, dataset):
    response = page.get(dataset.get_absolute_url(), {"show": "oops"})
    assert response.context["page"].paginator.count == 24
