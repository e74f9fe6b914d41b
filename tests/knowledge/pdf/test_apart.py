import os
import signal

import pytest

from knowledge.errors import ExtractionFailed
from knowledge.pdf import recognition
from knowledge.pdf.apart import MOST_CRASHES, each_apart
from knowledge.pdf.geometry import Frame
from knowledge.pdf.glyphs import PageText


def crash_on(*bad):
    def work(item):
        if item in bad:
            os.kill(os.getpid(), signal.SIGKILL)
        return item * 10

    return work


def test_what_one_item_breaks_costs_that_item_alone():
    found = list(each_apart(crash_on(2, 4), [1, 2, 3, 4, 5], seconds=30))
    assert found == [(1, 10), (2, None), (3, 30), (4, None), (5, 50)]


def test_after_some_crashes_the_rest_is_left():
    items = list(range(MOST_CRASHES + 3))
    assert [result for _item, result in each_apart(crash_on(*items), items, seconds=30)] == [
        None
    ] * len(items)


def test_an_item_that_hangs_is_ended():
    def work(item):
        if item == 1:
            signal.pause()
        return item

    assert list(each_apart(work, [0, 1, 2], seconds=0.5)) == [(0, 0), (1, None), (2, 2)]


def test_an_error_in_the_work_costs_its_item():
    found = list(each_apart(lambda item: 1 / item, [1, 0, 2], seconds=30))
    assert found == [(1, 1.0), (0, None), (2, 0.5)]


@pytest.fixture
def pages():
    return [PageText(number, Frame(0, 0, 600, 800, 0)) for number in (1, 2, 3)]


def test_a_page_that_breaks_the_reader_is_named_and_the_others_are_read(pages, monkeypatch):
    lines = {1: ["words"], 3: []}

    def read(_document, page):
        return lines[page.number] if page.number in lines else os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(recognition, "_lines", read)
    found = recognition.recognise(None, pages)
    assert (found.pages, found.broken, found.without_text) == ([1], [2], [3])


def test_a_fault_of_the_reader_itself_is_told_once(pages, monkeypatch):
    fault = ExtractionFailed("No data for this language.", code="ocr_failed")
    monkeypatch.setattr(recognition, "_lines", lambda _document, _page: fault)
    found = recognition.recognise(None, pages)
    assert found.fault.code == "ocr_failed"
    assert found.broken == [1, 2, 3]


def test_pages_for_which_there_is_no_time_are_named(pages, monkeypatch):
    monkeypatch.setattr(recognition, "_has_time", lambda _start: False)
    assert recognition.recognise(None, pages).too_late == [1, 2, 3]
