import threading

import pytest

from kmtalk.web.turn import Turnstile


def never(before):
    raise AssertionError(f"{before} are before me")


def wait_in_line(turnstile, told, passed, name):
    with turnstile.turn(lambda before: told.setdefault(name, []).append(before)):
        passed.append(name)


def test_who_comes_alone_never_waits():
    turnstile = Turnstile()
    for _ in range(2):
        with turnstile.turn(never):
            pass


def test_they_pass_in_the_order_they_came_and_hear_their_place():
    turnstile, told, passed, threads = Turnstile(), {}, [], []
    with turnstile.turn(never):
        for name in "abc":
            threads.append(threading.Thread(target=wait_in_line, args=(turnstile, told, passed, name)))
            threads[-1].start()
            while len(told.get(name, [])) < 1:
                pass
        assert passed == []
    for thread in threads:
        thread.join()
    assert passed == ["a", "b", "c"]
    assert [told[name][0] for name in "abc"] == [1, 2, 3]
    assert all(places == sorted(places, reverse=True) for places in told.values())


def test_who_gives_up_makes_room():
    turnstile, told, passed = Turnstile(), {}, []
    with turnstile.turn(never):
        with pytest.raises(KeyboardInterrupt), turnstile.turn(lambda before: (_ for _ in ()).throw(KeyboardInterrupt)):
            passed.append("never")
        last = threading.Thread(target=wait_in_line, args=(turnstile, told, passed, "last"))
        last.start()
        while not told:
            pass
        assert told["last"][0] == 1
    last.join()
    assert passed == ["last"]


def test_an_error_inside_lets_the_next_through():
    turnstile = Turnstile()
    with pytest.raises(ValueError, match="inside"), turnstile.turn(never):
        raise ValueError("inside")
    with turnstile.turn(never):
        pass
