"""After a switch a likeness means what it meant, whatever the new encoder's cosines are."""

import pytest
from django.urls import reverse

from chat.experts import RetrievalSettings
from chat.relevance import weigh
from knowledge import calibrating, embedding
from knowledge.embedding import EncoderSpec
from knowledge.encoder_acts import roll_back, switch_to
from knowledge.models import Encoder
from knowledge.retrieval import retrieve
from knowledge.switching import work_on

pytestmark = pytest.mark.django_db
THINGS = ("crane", "pump", "valve", "lathe", "press", "oven", "motor", "scale")
RELATED = "When is the chain of the crane greased?"
UNRELATED = "Who won yesterday's football match?"


@pytest.fixture
def base(upload_ready, served, settings):
    """Passages on things of a workshop, searched with cosines from about 0 to 1."""
    settings.KNOWLEDGE_ENCODER = served("hash-512")
    for number, thing in enumerate(THINGS):
        text = f"The chain of the {thing} is greased every {number + 2} weeks by team {number}."
        upload_ready(f"# Rules of the {thing}\n\n{text}", name=f"{thing}.md")


@pytest.fixture
def switched(base, served, admin):
    def switched(model="narrow-512"):
        work_on(switch_to(EncoderSpec(served(model), dimensions=None), actor=admin).pk)
        return Encoder.objects.get(state="active")

    return switched


def best(question, user):
    return retrieve(question, user=user, collections=None).passages[0]


def test_cosines_are_all_high_and_likenesses_as_before(switched, bob):
    before = {question: best(question, bob).likeness for question in (RELATED, UNRELATED)}
    encoder = switched()
    assert encoder.likeness_factor > 2
    for question, likeness in before.items():
        found = best(question, bob)
        assert found.cosine > 0.75
        assert found.likeness == pytest.approx(likeness, abs=0.1)


def test_an_expert_abstains_after_the_switch_as_before(switched, bob):
    def suffices(question):
        (evidence, *_) = weigh(question, retrieve(question, user=bob, collections=None).passages)
        return evidence.cosine >= RetrievalSettings().min_score

    assert (suffices(RELATED), suffices(UNRELATED)) == (True, False)
    switched()
    assert (suffices(RELATED), suffices(UNRELATED)) == (True, False)


def test_the_way_back_keeps_the_first_measure(switched, admin, bob):
    before = best(RELATED, bob).likeness
    switched()
    work_on(roll_back(actor=admin).pk)
    first = Encoder.objects.get(state="active")
    assert first.likeness_factor is None and first.scale == (0.0, 1.0)
    assert best(RELATED, bob).likeness == before


def test_from_a_measured_encoder_the_measure_is_handed_on(switched, bob):
    before = best(RELATED, bob).likeness
    switched()
    switched("hash-510")
    assert best(RELATED, bob).likeness == pytest.approx(before, abs=0.15)


def test_where_the_former_one_is_gone_cosines_are_taken_as_they_are(switched, bob, monkeypatch):
    former = Encoder.objects.get(state="active")
    Encoder.objects.filter(pk=former.pk).update(revision="of another life")
    assert switched().likeness_factor is None
    assert best(RELATED, bob).likeness == best(RELATED, bob).cosine


def test_too_few_passages_measure_nothing(switched, monkeypatch):
    monkeypatch.setattr(calibrating, "LEAST", 99)
    assert switched().scale == (0.0, 1.0)


def test_an_encoder_that_tells_nothing_apart_measures_nothing(base, monkeypatch):
    encoder = embedding.get_encoder()
    monkeypatch.setattr(calibrating, "LEAST_SPREAD", 2.0)
    row = Encoder.objects.get()
    assert calibrating.measure(encoder, encoder, row) == (0.0, 1.0)


def test_against_itself_nothing_changes(base):
    encoder = embedding.get_encoder()
    offset, factor = calibrating.measure(encoder, encoder, Encoder.objects.get())
    assert (offset, factor) == (pytest.approx(0), pytest.approx(1))


def test_what_a_likeness_is_in_its_own_cosines(switched, client, admin):
    encoder = switched()
    assert 0.75 < encoder.ordinary_cosine < 1
    assert encoder.likeness(encoder.ordinary_cosine) == pytest.approx(0.3)
    assert RetrievalSettings().min_score == 0.3
    client.force_login(admin)
    shown = client.get(reverse("knowledge:encoders")).content.decode()
    assert "counts as likeness 0.30" in shown
