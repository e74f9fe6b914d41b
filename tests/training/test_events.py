"""What was told is read once, whole lines only."""

from training.events import EventTail, EventWriter


def test_events_are_read_in_order_and_once(tmp_path):
    path = tmp_path / "events.jsonl"
    tail = EventTail(path)
    assert list(tail.read()) == []
    emit = EventWriter(path, attempt=2)
    emit(type="metric", step=1)
    emit(type="metric", step=2)
    assert [(event["attempt"], event["step"]) for event in tail.read()] == [(2, 1), (2, 2)]
    assert list(tail.read()) == []


def test_half_a_line_waits_for_its_other_half(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_text('{"type": "met')
    tail = EventTail(path)
    assert list(tail.read()) == []
    with path.open("a") as file:
        file.write('ric"}\n')
    assert [event["type"] for event in tail.read()] == ["metric"]


def test_a_line_that_a_crash_cut_spoils_no_other(tmp_path):
    path = tmp_path / "events.jsonl"
    path.write_text('{"type": "met')
    EventWriter(path, attempt=2)(type="prepared")
    assert [event["type"] for event in EventTail(path).read()] == ["prepared"]
