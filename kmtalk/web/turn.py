"""One at a time, first come first served."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition

_INTERVAL = 0.5  # seconds between two reports to somebody who waits


class Turnstile:
    """Lets one thread through at a time, and tells those who wait how many are before them."""

    def __init__(self) -> None:
        self._line: deque[object] = deque()
        self._moved = Condition()

    @contextmanager
    def turn(self, waiting: Callable[[int], None]) -> Iterator[None]:
        """Wait for the turn and hold it.

        waiting: called now and then with the number of threads before this one, 1 or more; what it raises gives the
        place in the line up.
        """
        ticket = object()
        with self._moved:
            self._line.append(ticket)
        try:
            while before := self._before(ticket):
                waiting(before)
            yield
        finally:
            with self._moved:
                self._line.remove(ticket)
                self._moved.notify_all()

    def _before(self, ticket: object) -> int:
        with self._moved:
            if self._line[0] is not ticket:
                self._moved.wait(_INTERVAL)
            return self._line.index(ticket)
