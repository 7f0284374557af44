"""What the library warns of while it works, for whom it works."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def remarks() -> Iterator[list[str]]:
    """Collect what the library warns of in this thread, each kind of warning once."""
    said: list[str] = []
    handler = _Collector(said)
    logger = logging.getLogger("kmtalk")
    logger.addHandler(handler)
    try:
        yield said
    finally:
        logger.removeHandler(handler)


class _Collector(logging.Handler):
    def __init__(self, said: list[str]) -> None:
        super().__init__(logging.WARNING)
        self.said, self.thread = said, threading.get_ident()
        self.known: set[str] = set()  # a recording is read more than once on its way

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a message of this thread, the first of its kind."""
        if record.thread == self.thread and record.msg not in self.known:
            self.known.add(record.msg)
            self.said.append(record.getMessage())
