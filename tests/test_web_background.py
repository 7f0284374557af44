import threading

import pytest

from kmtalk.web.background import Stopped, watched


def drained(steps):
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as finished:
            return seen, finished.value


def test_reports_are_seen_and_the_result_returned():
    seen_half = threading.Event()

    def work(report):
        report("half", 0.5)
        assert seen_half.wait(10)
        return 42

    def view(stage, fraction):
        if stage == "half":
            seen_half.set()
        return stage, fraction

    seen, result = drained(watched(work, view))
    assert ("half", 0.5) in seen and result == 42


def test_an_error_of_the_work_arrives():
    def work(report):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        drained(watched(work, lambda *report: report))


def test_closing_stops_the_work_and_waits_for_its_clean_up():
    begun, cleaned = threading.Event(), threading.Event()

    def work(report):
        try:
            while True:
                report("on and on", 0.0)
                begun.set()
        except Stopped:
            cleaned.set()
            raise

    steps = watched(work, lambda *report: report)
    next(steps)
    assert begun.is_set()
    steps.close()
    assert cleaned.is_set()
