from copy import deepcopy

from kmtalk.web.desk import Desk


def test_work_is_wanted_until_other_work_begins():
    desk = Desk()
    first = desk.begin()
    assert first() and desk.wanted()()
    second = desk.begin()
    assert second() and not first()


def test_another_take_ends_what_was_done_for_the_one_before():
    desk = Desk()
    work = desk.begin()
    desk.lay("take")
    assert desk.take == "take" and not work() and desk.wanted()()


def test_nothing_is_wanted_before_the_first_and_after_a_stop():
    desk = Desk()
    assert desk.idle and not desk.wanted()()
    work = desk.begin()
    assert not desk.idle
    desk.stop()
    assert desk.idle and not work() and not desk.wanted()()


def test_each_visitor_gets_a_copy():
    mine = Desk()
    yours = deepcopy(mine)
    work = mine.begin()
    yours.begin()
    assert work()
