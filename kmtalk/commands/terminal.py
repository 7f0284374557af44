"""What a command says: lines of results, and a failure in one line."""

import os
import sys


def say(text: object) -> None:
    """Print a line; a reader who has gone, such as `head`, does not stop the work."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def fail(error: object, code: int) -> int:
    """Print what went wrong in one line on standard error and return the exit code."""
    print("kmtalk:", " ".join(words(error).split()), file=sys.stderr)
    return code


def words(error: object) -> str:
    """Return what an error says, without Python's own numbers."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error) or type(error).__name__
