"""Forced alignment: where in a recording each sound of a known text is spoken."""

import re
import shutil
import subprocess
from dataclasses import dataclass, replace

import numpy as np

from kmtalk.errors import InputError
from kmtalk.ipa import to_arpabet
from kmtalk.phonemes import LABELS, RATE, Phoneme

_FLOOR = np.float32(-12.0)  # one frame that the model thinks impossible must not forbid the right path
_EXACT = 100_000_000  # frames times sounds that are searched in full: 100 MB
_WINDOW = 400  # sounds searched around the best one in longer recordings: 35 s of speech


def align(
    transcript: str, log_posteriors: np.ndarray, voice: str = "en-us", duration: float | None = None
) -> tuple[Phoneme, ...]:
    """Return the phonemes of a transcript with their times, silences included, from the first frame to the last.

    log_posteriors: (T, 40) float, natural logarithms in the order of LABELS, 100 frames a second;
    voice: espeak-ng's name of the language; duration: length of the recording in seconds, where the last phoneme then
    ends. Every phoneme lasts at least 20 ms; silence is optional between words.
    Errors: InputError without espeak-ng, for text that has no sounds, and for text too long for the recording.
    """
    words = pronounce(transcript, voice)
    labels, optional = _with_silences(words)
    sounds, seconds = sum(map(len, words)), len(log_posteriors) / RATE
    if 2 * sounds > len(log_posteriors):
        raise InputError(
            f"the transcript has {sounds} sounds, which need at least {2 * sounds / RATE:.1f} s, but the recording has "
            f"{seconds:.1f} s: give the text of this recording only"
        )
    scores = np.maximum(np.asarray(log_posteriors, np.float32), _FLOOR)
    path = viterbi(scores, np.array([LABELS.index(label) for label in labels]), np.array(optional))
    starts = np.flatnonzero(np.diff(path, prepend=-1))
    ends = np.append(starts[1:], len(path))
    phonemes = [
        Phoneme(labels[path[start]], start / RATE, end / RATE)
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
    ]
    if duration is not None:
        phonemes[-1] = replace(phonemes[-1], end=duration)
    return tuple(phonemes)


def pronounce(text: str, voice: str = "en-us") -> list[list[str]]:
    """Return the labels of each spoken word of a text, as espeak-ng says it."""
    program = shutil.which("espeak-ng")
    if program is None:
        raise InputError(
            "a transcript needs the program espeak-ng: install the package espeak-ng, or leave the text out"
        )
    # One line, so that nothing is said twice; brackets would switch espeak-ng to its own phoneme names.
    line = re.sub(r"[\s\[\]<>]+", " ", text).strip()
    if not line:
        raise InputError("the transcript is empty: give the text that is spoken, or none")
    command = [program, "-q", "--ipa", "--sep=|", "-v", voice, "--stdin"]
    spoken = subprocess.run(command, input=line.encode(errors="replace"), capture_output=True, check=False)
    if spoken.returncode:
        raise InputError(f"espeak-ng has no voice {voice!r}: `espeak-ng --voices` lists what it has")
    said = re.sub(r"\([a-z-]+\)", "", spoken.stdout.decode())  # where it changes the language
    words = [[label for symbol in word.split("|") for label in _labels(symbol)] for word in said.split()]
    words = [word for word in words if word]
    if not words:
        raise InputError(f"the transcript {text[:40]!r} has nothing that can be spoken: give it in words")
    return words


def _labels(symbol: str) -> list[str]:
    """Return the labels of one of espeak-ng's symbols, which may hold a vowel and what colours its end."""
    whole = to_arpabet(symbol) if symbol else None
    if whole is None:
        return []
    if len(symbol) > 1 and symbol[-1] in "ɹɚə" and whole != "ER":
        return [*_labels(symbol[:-1]), *_labels(symbol[-1])]
    return [whole]


def _with_silences(words: list[list[str]]) -> tuple[list[str], list[bool]]:
    """Return all labels with a silence around every word, and which of them may be left out."""
    labels, optional = ["sil"], [True]
    for word in words:
        labels += [*word, "sil"]
        optional += [False] * len(word) + [True]
    return labels, optional


_SECOND = 1  # a sound's lasting path is in its second frame
_LEAPT = 2  # a sound's entering path has left one out


@dataclass(frozen=True)
class _Step:
    """How the sounds from ``first`` on were reached in one frame: (n,) uint8 of the bits _SECOND and _LEAPT."""

    first: int
    reached: np.ndarray


def viterbi(scores: np.ndarray, labels: np.ndarray, optional: np.ndarray) -> np.ndarray:
    """Return (T,) int64, the index of the sound at every frame of the most probable path through all sounds.

    scores: (T, C) log-probabilities; labels: (N,) the column of each sound; optional: (N,) bool, sounds that may be
    left out (never two in a row). A sound lasts two frames or more. Above 100 million frames times sounds, the search
    keeps to a window around the best sound so far, which bounds time and memory.
    """
    frames, count = len(scores), len(labels)
    reach = count if frames * count <= _EXACT else _WINDOW
    steps, lasting = _forward(scores, labels, optional, reach)
    sound = count - 2 if optional[-1] and lasting[count - 2] > lasting[count - 1] else count - 1
    path, entering = np.empty(frames, np.int64), False
    for frame in range(frames - 1, -1, -1):
        path[frame] = sound
        reached = steps[frame].reached[sound - steps[frame].first]
        if entering:
            sound -= 2 if reached & _LEAPT else 1
            entering = False
        else:
            entering = bool(reached & _SECOND)
    return path


def _forward(
    scores: np.ndarray, labels: np.ndarray, optional: np.ndarray, reach: int
) -> tuple[list[_Step], np.ndarray]:
    """Return how every frame's best paths were reached, and the (N,) scores of those that end in each sound."""
    frames, count = len(scores), len(labels)
    # A sound is being entered (its first frame) or lasts (its second frame or a later one). Two sounds that nobody
    # can be in stand before the first.
    entering, lasting = np.full(count + 2, -np.inf), np.full(count + 2, -np.inf)
    leap_cost = np.where(np.append([False], optional[:-1]), 0.0, -np.inf)
    still_needed = 2 * (np.cumsum(~optional[::-1])[::-1] - ~optional)
    entering[2] = scores[0, labels[0]]
    if optional[0] and count > 1:
        entering[3] = scores[0, labels[1]]
    steps, low, high, best = [_Step(0, np.zeros(2, np.uint8))], 0, 0, 0
    for frame in range(1, frames):
        # Whoever cannot reach the end in time is out.
        in_time = int(np.searchsorted(-still_needed, frame + 1 - frames))
        left, low, high = low, max(low, best - reach, in_time), max(high, min(count, best + reach + 1))
        here, heard = slice(low + 2, high + 2), scores[frame, labels[low:high]]
        leap, walk = lasting[low:high] + leap_cost[low:high], lasting[low + 1 : high + 1]
        second, leapt = entering[here] > lasting[here], leap > walk
        entered = np.where(leapt, leap, walk) + heard
        lasting[here] = np.where(second, entering[here], lasting[here]) + heard
        entering[here] = entered
        entering[left + 2 : low + 2] = lasting[left + 2 : low + 2] = -np.inf
        steps.append(_Step(low, (second * _SECOND + leapt * _LEAPT).astype(np.uint8)))
        best = low + int(np.argmax(np.maximum(entering[here], lasting[here])))
    return steps, lasting[2:]
