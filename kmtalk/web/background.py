"""Slow work that a page can watch and stop."""

import contextvars
import threading
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

Result = TypeVar("Result")
View = TypeVar("View")
Report = Callable[[str, float], None]
"""Called with the stage's name and how much of it is done, 0 to 1."""

_INTERVAL = 0.2  # seconds between two looks: a smooth bar, and a Stop that is felt at once


class Stopped(Exception):  # noqa: N818 - no error: somebody wished it
    """Raised where work is no longer wanted: at its next report, and where it is watched."""


def watched(
    work: Callable[[Report], Result], view: Callable[[str, float], View], wanted: Callable[[], bool]
) -> Generator[View, None, Result]:
    """Run work in a thread of its own, yield a view of its latest report every now and then, return its result.

    Raises Stopped once the work is not wanted. That, and closing the generator, stops the work at its next report and
    waits until it has cleaned up.
    """
    insist(wanted)
    stopped = threading.Event()
    latest = ("", 0.0)

    def report(stage: str, fraction: float) -> None:
        nonlocal latest
        if stopped.is_set():
            raise Stopped
        latest = (stage, fraction)

    with ThreadPoolExecutor(1) as executor:
        future = executor.submit(contextvars.copy_context().run, work, report)
        try:
            while not wait([future], timeout=_INTERVAL).done:
                insist(wanted)
                yield view(*latest)
        finally:
            stopped.set()
    insist(wanted)
    return future.result()


def insist(wanted: Callable[[], bool]) -> None:
    """Raise Stopped unless something is wanted."""
    if not wanted():
        raise Stopped
