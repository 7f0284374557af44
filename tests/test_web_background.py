import threading

import pytest

from kmtalk.web.background import Stopped, watched


def always():
    return True


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

    seen, result = drained(watched(work, view, always))
    assert ("half", 0.5) in seen and result == 42


def test_an_error_of_the_work_arrives():
    def work(report):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        drained(watched(work, lambda *report: report, always))


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

    steps = watched(work, lambda *report: report, always)
    next(steps)
    assert begun.is_set()
    steps.close()
    assert cleaned.is_set()


def test_work_that_is_no_longer_wanted_stops():
    cleaned, wanted = threading.Event(), True

    def work(report):
        try:
            while True:
                report("on and on", 0.0)
        except Stopped:
            cleaned.set()
            raise

    steps = watched(work, lambda *report: report, lambda: wanted)
    next(steps)
    wanted = False
    with pytest.raises(Stopped):
        next(steps)
    assert cleaned.is_set()


def test_what_comes_when_it_is_not_wanted_is_not_given():
    with pytest.raises(Stopped):
        drained(watched(lambda report: 42, lambda *report: report, lambda: False))
