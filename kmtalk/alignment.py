"""Forced alignment: where in a recording each sound of a known text is spoken."""

import logging
import re
import shutil
import subprocess
import unicodedata
from dataclasses import dataclass, replace

import numpy as np

from kmtalk.boundaries import refine
from kmtalk.errors import InputError
from kmtalk.ipa import to_arpabet
from kmtalk.phonemes import LABELS, RATE, VOWELS, Phoneme, Word

_LATIN = frozenset("en ca cs nl fi fr de it pl pt es sv tr".split())  # languages in Latin letters, by espeak-ng's names
_FLOOR = np.float32(-12.0)  # one frame that the model thinks impossible must not forbid the right path
_EXACT = 100_000_000  # frames times sounds that are searched in full: 100 MB
_WINDOW = 400  # sounds searched around the best one in longer recordings: 35 s of speech
_MISFIT = 2.0  # nats a frame of speech: 0.2 to 1.5 for what was said, 1.8 to 3.5 for other sentences
_log = logging.getLogger(__name__)


def align(
    transcript: str,
    log_posteriors: np.ndarray,
    voice: str = "en-us",
    duration: float | None = None,
    audio: np.ndarray | None = None,
) -> tuple[tuple[Phoneme, ...], tuple[Word, ...]]:
    """Return the phonemes of a transcript with their times, silences included, and its words with theirs.

    log_posteriors: (T, 40) float, natural logarithms in the order of LABELS, 100 frames a second;
    voice: espeak-ng's name of the language; duration: length of the recording in seconds, where the last phoneme then
    ends; audio: (S,) at 16 kHz, by which boundaries are refined. Every phoneme lasts at least 10 ms; silence is
    optional between words, and so are t and d among consonants.
    Errors: InputError without espeak-ng, for text that has no sounds, and for text too long for the recording; text
    that hardly fits the sound is warned of.
    """
    script = _script(pronounce(transcript, voice))
    needed, seconds = sum(not sound.optional for sound in script), len(log_posteriors) / RATE
    if 2 * needed > len(log_posteriors):
        raise InputError(
            f"the transcript has {needed} sounds, which need at least {2 * needed / RATE:.1f} s, but the recording has "
            f"{seconds:.1f} s: give the text of this recording only"
        )
    scores = np.maximum(np.asarray(log_posteriors, np.float32), _FLOOR)
    columns = np.array([LABELS.index(sound.label) for sound in script])
    path = viterbi(scores, columns, np.array([sound.optional for sound in script]))
    if _misfit(scores, columns[path]) > _MISFIT:
        _log.warning("the transcript hardly fits what is heard: check that it is this recording's, and its language")
    starts = np.flatnonzero(np.diff(path, prepend=-1))
    ends = np.append(starts[1:], len(path))
    said = [script[index] for index in path[starts]]
    phonemes = tuple(
        Phoneme(sound.label, start / RATE, end / RATE)
        for sound, start, end in zip(said, starts.tolist(), ends.tolist(), strict=True)
    )
    if duration is not None:
        phonemes = (*phonemes[:-1], replace(phonemes[-1], end=duration))
    if audio is not None:
        phonemes = refine(phonemes, audio)
    return phonemes, _words(said, phonemes)


def _misfit(scores: np.ndarray, said: np.ndarray) -> float:
    """How much less likely the sounds of a path (T,) are than the likeliest ones, mean over the frames of speech."""
    speech = scores.argmax(1) != LABELS.index("sil")
    lost = scores.max(1) - scores[np.arange(len(said)), said]
    return float(lost[speech].mean()) if speech.any() else 0.0


def pronounce(text: str, voice: str = "en-us") -> list[tuple[str, list[str]]]:
    """Return each word of a text that has sounds, as it is written, and the labels that espeak-ng gives it."""
    if any("\ud800" <= letter <= "\udfff" for letter in text):  # what a shell hands on in another encoding
        raise InputError("the transcript is not UTF-8 text: save it as UTF-8, or type it")
    # Brackets would switch espeak-ng to its own phoneme names; what has no letter goes with the word before it.
    written: list[str] = []
    for token in re.sub(r"[\[\]<>\u200b]+", " ", text).split():
        if written and not any(map(str.isalnum, token)):
            written[-1] += f" {token}"
        else:
            written.append(token)
    if not written:
        raise InputError("the transcript is empty: give the text that is spoken, or none")
    # A space of no width keeps espeak-ng from joining words such as "of the", and changes nothing else.
    _check_letters(text, voice)
    spoken = [_sounds(word) for word in _say(" \u200b ".join(written), voice).split()]
    spoken = [sounds for sounds in spoken if sounds]
    if not spoken:
        raise InputError(f"the transcript {text[:40]!r} has nothing that can be spoken: give it in words")
    if len(spoken) != len(
        written
    ):  # a number, say, is several spoken words: its share shows where pauses set words apart
        groups = [
            _sounds(group.replace(" ", "|")) for group in re.split("  |\n ", _say(" [[_]] ".join(written), voice))
        ]
        spoken = groups if len(groups) == len(written) else _shared(spoken, len(written))
    return [(word, sounds) for word, sounds in zip(written, spoken, strict=True) if sounds]


def _check_letters(text: str, voice: str) -> None:
    """Raise InputError for a text in another script than its language's, whose letters espeak-ng would spell out."""
    letters = [letter for letter in text if letter.isalpha()]
    latin = sum(unicodedata.name(letter, "").startswith("LATIN") for letter in letters)
    if voice.split("-")[0] in _LATIN and 2 * latin < len(letters):
        raise InputError(
            f"the transcript {text[:40]!r} is not in the letters of the language {voice}: choose the language it is in"
        )


def _say(line: str, voice: str) -> str:
    """Return the IPA of a line of text: "|" between sounds, spaces between words."""
    program = shutil.which("espeak-ng")
    if program is None:
        raise InputError(
            "a transcript needs the program espeak-ng: install the package espeak-ng, or leave the text out"
        )
    command = [program, "-q", "--ipa", "--sep=|", "-v", voice, "--stdin"]
    spoken = subprocess.run(command, input=line.encode(errors="replace"), capture_output=True, check=False)
    if spoken.returncode:
        raise InputError(f"espeak-ng has no voice {voice!r}: `espeak-ng --voices` lists what it has")
    return re.sub(r"\([a-z-]+\)", "", spoken.stdout.decode())  # where it changes the language


def _sounds(word: str) -> list[str]:
    return [label for symbol in word.split("|") for label in _labels(symbol.strip())]


def _shared(spoken: list[list[str]], count: int) -> list[list[str]]:
    """Share spoken words out evenly among as many written ones."""
    shares = np.array_split(np.arange(len(spoken)), count)
    return [[label for index in share for label in spoken[index]] for share in shares]


def _labels(symbol: str) -> list[str]:
    """Return the labels of one of espeak-ng's symbols, which may hold a vowel and what colours its end."""
    whole = to_arpabet(symbol) if symbol else None
    if whole is None:
        return []
    if len(symbol) > 1 and symbol[-1] in "ɹɚə" and whole != "ER":
        return [*_labels(symbol[:-1]), *_labels(symbol[-1])]
    return [whole]


@dataclass(frozen=True)
class _Sound:
    """A sound of the text: its label, whether it may be left out, and the word it belongs to, "" for none."""

    label: str
    optional: bool = False
    word: str = ""
    number: int = -1


def _script(words: list[tuple[str, list[str]]]) -> list[_Sound]:
    """Return all sounds of the words with a silence around each; never two in a row may be left out."""
    silence = _Sound("sil", optional=True)
    script = [silence]
    for number, (word, labels) in enumerate(words):
        for index, label in enumerate(labels):
            # Few say the d of "friends" or the t of "exactly".
            around = labels[index - 1 : index] + labels[index + 1 : index + 2]
            dropped = label in ("T", "D") and len(around) == 2 and not VOWELS & set(around) and not script[-1].optional
            script.append(_Sound(label, dropped, word, number))
        script.append(silence)
    return script


def _words(said: list[_Sound], phonemes: tuple[Phoneme, ...]) -> tuple[Word, ...]:
    """Return the words that the sounds belong to, each from its first phoneme's start to its last one's end."""
    spans: dict[int, Word] = {}
    for sound, phoneme in zip(said, phonemes, strict=True):
        if sound.number >= 0:
            start = spans[sound.number].start if sound.number in spans else phoneme.start
            spans[sound.number] = Word(sound.word, start, phoneme.end)
    return tuple(spans.values())


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
