import io
from contextlib import redirect_stderr

import pytest

from kmtalk.commands.terminal import clear, counting, fail, say, track


class Screen(io.StringIO):
    """Standard error as a person at a terminal has it."""

    def isatty(self):
        return True


def test_a_person_sees_how_far_the_work_is_in_one_line():
    with redirect_stderr(Screen()) as screen:
        counting("voice.mp4")(1, 4)
    assert screen.getvalue() == "\r\033[K 25% voice.mp4"


@pytest.mark.parametrize("speak", [clear, lambda: say("done"), lambda: fail("it broke", 1)])
def test_the_line_goes_before_anything_else_is_said(speak):
    with redirect_stderr(Screen()) as screen:
        track(0.5, "voice.mp4")
        speak()
    assert screen.getvalue().removesuffix("kmtalk: it broke\n") == "\r\033[K 50% voice.mp4\r\033[K"


def test_a_log_of_errors_holds_no_such_lines():
    with redirect_stderr(io.StringIO()) as log:
        track(0.5, "voice.mp4")
        clear()
    assert log.getvalue() == ""
