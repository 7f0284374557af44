import shutil
from random import Random

import numpy as np
import pytest

from kmtalk.audio import SAMPLE_RATE
from kmtalk.data.engines import Line, Speech, check_installed, speak
from kmtalk.data.sentences import sentence
from kmtalk.data.voices import Voice, voices
from kmtalk.errors import InputError
from kmtalk.phonemes import LABELS

VOICES = {voice.name: voice for voice in voices(permissive_only=False)}
VOWELS = frozenset(LABELS[23:]) - {"Y", "W"} | {"ER"}
STEP = 40  # samples: 2.5 ms


def _voice(name: str) -> Voice:
    try:
        check_installed([VOICES[name]])
    except InputError as error:
        pytest.skip(str(error))
    return VOICES[name]


def _say(name: str, count: int) -> list[Speech]:
    random = Random(5)
    voice = _voice(name)
    return list(speak(voice, [Line(sentence(random, voice.language)) for _ in range(count)]))


def _lag(speeches: list[Speech], farthest: int = 24) -> float:
    """Return by how many seconds the vowel labels must move to follow the sound's loudness best."""
    curves = []
    for speech in speeches:
        frames = len(speech.audio) // STEP
        power = (speech.audio[: frames * STEP].reshape(frames, STEP) / 32768.0) ** 2
        loudness = np.convolve(np.log10(power.mean(1) + 1e-7), np.hanning(9), "same")
        vowel = np.zeros(frames)
        for phoneme in speech.phonemes:
            first, last = (round(time * SAMPLE_RATE / STEP) for time in (phoneme.start, phoneme.end))
            vowel[first:last] = phoneme.label in VOWELS
        inside = slice(farthest, frames - farthest)
        curves.append(
            [
                np.corrcoef(np.roll(vowel, shift)[inside], loudness[inside])[0, 1]
                for shift in range(-farthest, farthest + 1)
            ]
        )
    return (int(np.mean(curves, 0).argmax()) - farthest) * STEP / SAMPLE_RATE


@pytest.mark.parametrize("name", ["flite-slt", "flite-rms", "flite-awb", "flite-kal16"])
def test_flite_labels_follow_the_sound(name):
    assert abs(_lag(_say(name, 20))) <= 0.015


@pytest.mark.parametrize("name", [name for name in VOICES if name.startswith("festival")])
def test_festival_labels_follow_the_sound(name):
    assert abs(_lag(_say(name, 20))) <= 0.015


@pytest.mark.parametrize("name", ["espeak-en-us", "espeak-de", "espeak-ja"])
def test_espeak_labels_follow_the_sound(name):
    assert abs(_lag(_say(name, 20))) <= 0.015


@pytest.mark.parametrize("name", ["flite-slt", "festival-lj", "espeak-hi"])
def test_phonemes_cover_the_sound_without_gaps(name):
    for speech in _say(name, 4):
        assert speech.audio.dtype == np.int16
        assert speech.phonemes[0].start == 0
        assert speech.phonemes[-1].end == len(speech.audio) / SAMPLE_RATE
        for one, following in zip(speech.phonemes, speech.phonemes[1:], strict=False):
            assert one.start < one.end == following.start
            assert one.label != following.label


def test_english_sentences_cover_all_labels():
    heard = {phoneme.label for speech in _say("flite-kal16", 120) for phoneme in speech.phonemes}
    assert heard == set(LABELS)


@pytest.mark.parametrize("name", ["flite-awb", "festival-slt", "festival-kal", "espeak-en-us"])
def test_stretch_makes_speech_longer(name):
    text = "My mother bought five wooden boats."
    short, long = speak(_voice(name), [Line(text, stretch=0.8), Line(text, stretch=1.25)])
    assert 1.4 < len(long.audio) / len(short.audio) < 1.7


@pytest.mark.parametrize("name", ["flite-slt", "festival-kal"])
def test_pitch_raises_the_voice(name):
    text = "We are all on our way."
    low, high = speak(_voice(name), [Line(text, pitch=0.8), Line(text, pitch=1.25)])
    assert 1.35 < _pitch(high.audio) / _pitch(low.audio) < 1.8


def _pitch(audio: np.ndarray) -> float:
    found = []
    for start in range(0, len(audio) - 1024, 320):
        frame = audio[start : start + 1024].astype(float) - audio[start : start + 1024].mean()
        correlation = np.correlate(frame, frame, "full")[1023:]
        period = 40 + int(correlation[40:250].argmax())
        if frame.std() > 800 and correlation[period] > 0.5 * correlation[0]:
            found.append(SAMPLE_RATE / period)
    return float(np.median(found))


def test_missing_programs_are_named_with_their_packages(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("flite") is None
    with pytest.raises(InputError, match=r"apt-get install --no-install-recommends flite festival festvox-kallpc16k$"):
        check_installed([VOICES["flite-slt"], VOICES["festival-kal"]])
    with pytest.raises(InputError, match="flite"):
        next(speak(VOICES["flite-slt"], [Line("Hello.")]))
