import numpy as np
import pytest

from kmtalk.data import espeak
from kmtalk.errors import InputError

RATE = 22050
needs_espeak = pytest.mark.skipif(not espeak.installed(), reason="libespeak-ng1 is not installed")


def test_closure_of_a_stop_starts_where_the_sound_stops():
    sound = np.full(RATE, 3000, np.int16)
    sound[8820:10584] = 5  # 0.40 s to 0.48 s: the closure
    events = [(0, "a"), (10584, "p"), (11000, "a"), (15000, "(en)"), (16000, "ʔ"), (RATE, "")]
    found = espeak.segments(sound, events, RATE)
    assert [label for _, label in found] == ["AA", "P", "AA", "sil"]
    assert found[1][0] == pytest.approx(0.40, abs=1e-3)
    assert found[2][0] == pytest.approx(11000 / RATE - 0.01, abs=1e-3)


def test_closure_is_no_longer_than_a_stop_can_be():
    sound = np.zeros(RATE, np.int16)
    found = espeak.segments(sound, [(0, "a"), (20000, "t")], RATE)
    assert found[1][0] == pytest.approx(20000 / RATE - 0.13, abs=1e-3)


@needs_espeak
def test_no_vowel_ends_in_the_silence_of_a_stop():
    synthesizer = espeak.Espeak()
    sound, found = synthesizer.say("happy papa, a tattoo, a copper kettle", "en-us", "m3")
    quiet = np.abs(sound.astype(np.int32)) <= 12
    rate = synthesizer.sample_rate
    stops = 0
    for (start, label), (end, following) in zip(found, found[1:], strict=False):
        if label in ("AE", "AA", "AH", "AO", "EH", "UW") and following in ("P", "T", "K"):
            last = quiet[int((end - 0.02) * rate) : int(end * rate)]
            assert last.mean() < 0.5, (label, start)
            stops += 1
    assert stops >= 5


@needs_espeak
def test_rate_and_pitch_are_heeded():
    synthesizer = espeak.Espeak()
    slow, _ = synthesizer.say("a long and lovely sentence", "en-us", stretch=1.3)
    fast, _ = synthesizer.say("a long and lovely sentence", "en-us", stretch=0.8)
    assert len(slow) > 1.3 * len(fast)


@needs_espeak
def test_unknown_voice_is_refused():
    with pytest.raises(InputError, match="no voice 'xx"):
        espeak.Espeak().say("hello", "xx", "f3")


def test_missing_library_names_the_package(monkeypatch):
    monkeypatch.setattr(espeak, "_LIBRARY", "libespeak-not-there.so.1")
    assert not espeak.installed()
    with pytest.raises(InputError, match="apt-get install libespeak-ng1"):
        espeak.Espeak()
