"""Every example stands in a bar, and the limit parts those beyond it."""

from training.histograms import draw_histogram


def test_every_example_is_in_a_bar():
    drawn = draw_histogram([1, 5, 5, 300, 1200], limit=400)
    assert sum(bar.count for bar in drawn.bars) == 5
    assert [bar.count for bar in drawn.bars if bar.is_over] == [1]
    assert drawn.left < drawn.limit < drawn.right


def test_bars_stand_on_the_axis_inside_the_picture():
    drawn = draw_histogram(list(range(1, 500)), limit=100)
    assert all(abs(bar.y + bar.height - drawn.bottom) < 0.2 for bar in drawn.bars)
    assert all(drawn.left <= bar.x <= drawn.right and bar.y >= drawn.top for bar in drawn.bars)


def test_a_limit_beyond_all_draws_no_line():
    assert draw_histogram([10, 20], limit=2048).limit is None


def test_one_length_and_no_length():
    assert draw_histogram([7], limit=3).bars[0].is_over
    assert draw_histogram([], limit=3) is None
