"""The curve is drawn from plain numbers, inside its frame."""

import math

import pytest
from django.template.loader import render_to_string

from training.curves import HEIGHT, WIDTH, draw_curve, nice_spacing


def test_before_the_first_point_there_is_no_curve():
    assert draw_curve({"train": [], "eval": []}, total_steps=10) is None
    assert draw_curve({"train": [(1, math.nan)]}, total_steps=10) is None


def test_points_lie_in_the_frame_and_fall_with_the_loss():
    curve = draw_curve({"train": [(1, 3.2), (5, 1.0), (10, 0.1)], "eval": []}, total_steps=10)
    points = curve.dots["train"]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
    assert [y for _, y in points] == sorted(y for _, y in points)
    assert points[-1][0] == curve.right


def test_a_loss_of_zero_lies_on_the_axis():
    curve = draw_curve({"train": [(1, 0.0)]}, total_steps=1)
    assert curve.dots["train"][0][1] == curve.bottom


@pytest.mark.parametrize(
    ("highest", "spacing"), [(3.2, 1.0), (0.9, 0.5), (100, 50), (8, 2), (0.02, 0.005)]
)
def test_the_grid_has_round_numbers(highest, spacing):
    assert nice_spacing(highest) == pytest.approx(spacing)


def test_the_drawing_has_attributes_only():
    curve = draw_curve({"train": [(1, 2.0)], "eval": [(0, 2.5)]}, total_steps=4, checkpoints=[2])
    html = render_to_string("training/_curve.html", {"curve": curve, "report": {"loss": 2.0}})
    assert "style=" not in html
    assert 'points="' in html
    assert html.count("<title>Checkpoint") == 1
