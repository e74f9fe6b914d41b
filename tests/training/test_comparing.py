"""Runs beside each other: what differs stands out, what can't be compared is said."""

import dataclasses

import pytest

from training.comparing import compare_runs
from training.models import Metric, Run
from training.runs import start_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def other(run, dataset, recipe, admin):
    """A second run with twice the rank, whose loss falls further."""
    wider = dataclasses.replace(recipe, r=4)
    other = start_run(dataset, wider, name="Wider", actor=admin)
    for made, losses in ((run, [3.0, 2.0]), (other, [3.0, 1.0])):
        for step, loss in enumerate(losses, 1):
            values = {"loss": loss, "at": 100.0 * step, "tokens": 500 * step, "memory": 2 * 10**9}
            Metric.objects.create(run=made, step=step, kind="train", values=values)
    return other


def test_only_what_differs_in_the_recipes_is_listed(run, other):
    comparison = compare_runs([run, other])
    assert comparison.recipe == [("Rank (r)", ["2", "4"])]
    assert comparison.is_alike


def test_figures_and_curves_stand_beside_each_other(run, other):
    comparison = compare_runs([run, other])
    figures = dict(comparison.figures)
    assert figures["Train loss"] == ["2.0000", "1.0000"]
    assert figures["Memory at most, GB"] == ["2.00", "2.00"]
    assert figures["Time in training"] == ["0:01:40", "0:01:40"]
    assert figures["Eval loss"] == ["–", "–"]
    assert comparison.curve.dots["train-2"][1][1] > comparison.curve.dots["train-1"][1][1]


def test_other_bases_do_not_measure_the_same(run, other):
    Run.objects.filter(pk=other.pk).update(base_model="another")
    assert not compare_runs(Run.objects.all()).is_alike


def test_the_page_compares_what_was_ticked_and_asks_for_two(client, admin, run, other):
    client.force_login(admin)
    page = client.get("/console/runs/compare/", {"run": [run.pk, other.pk]}).content.decode()
    assert "Rank (r)" in page
    assert page.count("<polyline") == 4
    alone = client.get("/console/runs/compare/", {"run": [run.pk, "nonsense"]})
    assert "Two runs are needed" in alone.content.decode()


def test_a_run_is_repeated_with_its_own_recipe(client, admin, other):
    client.force_login(admin)
    page = client.get("/console/runs/new/", {"again": other.pk})
    form = page.context["form"]
    assert form["r"].initial == 4
    assert form["name"].value() == "Wider again"
    assert client.get("/console/runs/new/", {"again": "nonsense"}).status_code == 200
