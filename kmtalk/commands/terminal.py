"""What a command says: lines of results, a failure in one line, and on a terminal how far the work is."""

import os
import sys
from collections.abc import Callable


def say(text: object) -> None:
    """Print a line; a reader who has gone, such as `head`, does not stop the work."""
    clear()
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def fail(error: object, code: int) -> int:
    """Print what went wrong in one line on standard error and return the exit code."""
    clear()
    print("kmtalk:", " ".join(words(error).split()), file=sys.stderr)
    return code


def track(share: float, what: str) -> None:
    """Show how much of the work is done, in a line that the next one replaces; only people at a terminal see it."""
    if _watched():
        sys.stderr.write(f"\r\033[K{share:4.0%} {what}")
        sys.stderr.flush()


def counting(what: object) -> Callable[[int, int], None]:
    """Return track() for what is done picture by picture: called with how many are done, and of how many."""
    return lambda done, count: track(done / count, str(what))


def clear() -> None:
    """Take the line of track() away."""
    if _watched():
        sys.stderr.write("\r\033[K")
        sys.stderr.flush()


def words(error: object) -> str:
    """Return what an error says, without Python's own numbers."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error) or type(error).__name__


def _watched() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()
