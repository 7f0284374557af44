"""What the library warns of reaches the one whose work it is."""

import logging
import threading

from kmtalk.web.remarks import remarks

LOGGER = logging.getLogger("kmtalk.somewhere")


def test_warnings_of_this_thread_are_collected_once_a_kind():
    with remarks() as said:
        LOGGER.warning("the %s clips", "recording")
        LOGGER.warning("the %s clips", "array of it")
        LOGGER.info("nothing to see")
        other = threading.Thread(target=LOGGER.warning, args=("somebody else's",))
        other.start()
        other.join()
    LOGGER.warning("too late")
    assert said == ["the recording clips"]


def test_nothing_is_left_behind_after_a_failure():
    before = list(logging.getLogger("kmtalk").handlers)
    try:
        with remarks():
            raise ValueError
    except ValueError:
        pass
    assert logging.getLogger("kmtalk").handlers == before
