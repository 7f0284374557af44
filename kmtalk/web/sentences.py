"""What a visitor is told when something cannot be done."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape

import gradio as gr

from kmtalk.errors import InputError

_log = logging.getLogger(__name__)


def sentence(told: InputError | str) -> str:
    """Return a message with a full stop, and a capital letter unless it begins with a file's name."""
    message = str(told).rstrip(".")
    first = message.split(maxsplit=1)[0] if message else ""
    return (message[:1].upper() + message[1:] if first.isalpha() else message) + "."


@contextmanager
def sentences() -> Iterator[None]:
    """Show bad input as its sentence, and anything unforeseen as one that gives nothing away; log the latter."""
    try:
        yield
    except InputError as error:
        raise gr.Error(escape(sentence(error), quote=False), duration=None, print_exception=False) from error
    except gr.Error:
        raise
    except Exception as error:
        _log.exception("a request failed")
        raise gr.Error("Something went wrong on our side; please try again.", duration=None) from error
