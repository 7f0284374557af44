"""Speech synthesizers that tell when each phoneme starts: flite, festival and espeak-ng."""

import logging
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import gcd
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from kmtalk.audio import SAMPLE_RATE
from kmtalk.data import espeak
from kmtalk.data.phones import PHONES
from kmtalk.data.voices import Voice
from kmtalk.errors import InputError
from kmtalk.phonemes import Phoneme

_FESTIVAL_VOICES = Path("/usr/share/festival/voices")
_SHORTEST = 0.5  # seconds of a line worth keeping
_SOFTEST = 500  # peak of a line worth keeping
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Line:
    """What to say and how.

    stretch: durations against the voice's own; pitch: frequency against the voice's own (a voice that cannot change
    it keeps it); variant: espeak-ng's timbre, such as "f3", or "".
    """

    text: str
    stretch: float = 1.0
    pitch: float = 1.0
    variant: str = ""


@dataclass(frozen=True)
class Speech:
    """A spoken line: audio (S,) int16, 16 kHz mono; phonemes in order, without gaps, from 0 s to the end."""

    line: Line
    audio: np.ndarray
    phonemes: tuple[Phoneme, ...]


@dataclass(frozen=True)
class _Take:
    """What a synthesizer gave: sound (S,) int16 at its own rate in Hz, and (start in seconds, label) pairs."""

    line: Line
    sound: np.ndarray
    rate: int
    starts: list[tuple[float, str]]


def speak(voice: Voice, lines: list[Line]) -> Iterator[Speech]:
    """Say the lines with the voice in turn, leaving out those it cannot say.

    Raises InputError when the synthesizer or the voice is not installed. What espeak-ng makes depends on what it
    said before in the same process: for the same bytes again, start a new process.
    """
    check_installed([voice])
    with TemporaryDirectory(prefix="kmtalk-") as folder:
        for take in _TAKES[voice.engine](voice, lines, Path(folder)):
            audio = _resample(take.sound, take.rate)
            phonemes = _phonemes(take.starts, len(audio) / SAMPLE_RATE, voice.shift)
            if len(audio) < _SHORTEST * SAMPLE_RATE or audio.max() < _SOFTEST or len(phonemes) < 3:
                _log.info("%s says nothing for %r", voice.name, take.line.text)
                continue
            yield Speech(take.line, audio, phonemes)


def check_installed(voices: Iterable[Voice]) -> None:
    """Raise InputError, naming the apt packages, when a voice's synthesizer or recordings are missing."""
    packages = dict.fromkeys(package for voice in voices if not _installed(voice) for package in voice.packages)
    if packages:
        raise InputError(
            f"Not all of these voices' packages are installed: {', '.join(packages)}; "
            f"run: apt-get install --no-install-recommends {' '.join(packages)}"
        )


def _installed(voice: Voice) -> bool:
    if voice.engine == "espeak-ng":
        return espeak.installed()
    if shutil.which(voice.engine) is None:
        return False
    return voice.engine == "flite" or any(_FESTIVAL_VOICES.glob(f"*/{voice.call}"))


def _espeak_takes(voice: Voice, lines: list[Line], folder: Path) -> Iterator[_Take]:
    synthesizer = espeak.Espeak()
    for line in lines:
        sound, starts = synthesizer.say(line.text, voice.call, line.variant, line.stretch, line.pitch)
        yield _Take(line, sound, synthesizer.sample_rate, starts)


def _flite_takes(voice: Voice, lines: list[Line], folder: Path) -> Iterator[_Take]:
    sound = folder / "line.wav"
    for line in lines:
        delivery = ["--setf", f"duration_stretch={line.stretch:.3f}", "--setf", f"f0_shift={line.pitch:.3f}"]
        printed = _run(["flite", "-voice", voice.call, "-psdur", *delivery, "-t", line.text, "-o", str(sound)], 60)
        phones = [pair.rsplit(":", 1) for pair in printed.split()]
        yield from _take(voice, line, sound, [(float(end), phone) for phone, end in phones])
        sound.unlink(missing_ok=True)


_SAY = """
(define (say text name)
  (let ((utterance (utt.synth (eval (list 'Utterance 'Text text)))) (file (fopen (string-append name ".seg") "w")))
    (utt.save.wave utterance (string-append name ".wav") 'riff)
    (mapcar (lambda (segment) (format file "%f %s\\n" (item.feat segment 'segment_end) (item.name segment)))
            (utt.relation.items utterance 'Segment))
    (fclose file)))
(defvar hts_engine_params nil)
(defvar int_lr_params nil)
(set! own_hts hts_engine_params)
(set! own_pitch int_lr_params)
(set! own_stretch (or (Param.get 'Duration_Stretch) 1.0))
"""


def _festival_takes(voice: Voice, lines: list[Line], folder: Path) -> Iterator[_Take]:
    script = [f"(voice_{voice.call})\n".encode(), _SAY.encode()]
    for index, line in enumerate(lines):
        text = line.text.replace('"', "").replace("\\", "").encode(voice.encoding, "ignore")
        script.append(_festival_delivery(voice, line).encode())
        script.append(b'(unwind-protect (say "%b" "%b"))\n' % (text, str(folder / str(index)).encode()))
    path = folder / "lines.scm"
    path.write_bytes(b"".join(script))
    _run(["festival", "-b", str(path)], 60 + 10 * len(lines))
    for index, line in enumerate(lines):
        times = folder / f"{index}.seg"
        rows = [row.split() for row in times.read_text("latin-1").splitlines()] if times.exists() else []
        # The Finnish voices leave some pauses without a name.
        ends = [(float(row[0]), row[1] if len(row) > 1 else "#") for row in rows]
        yield from _take(voice, line, folder / f"{index}.wav", ends)


def _festival_delivery(voice: Voice, line: Line) -> str:
    # HTS voices take a speed, diphone voices a stretch; unit selection heeds neither.
    rate = f'(set! hts_engine_params (append own_hts (list (list "-r" {1 / line.stretch:.3f}))))\n'
    rate += f"(Param.set 'Duration_Stretch (* {line.stretch:.3f} own_stretch))\n"
    if not voice.pitch:
        return rate
    mean = f"(list 'target_f0_mean (* {line.pitch:.3f} (cadr (assoc 'target_f0_mean own_pitch))))"
    return f"{rate}(set! int_lr_params (cons {mean} (cdr own_pitch)))\n"


_TAKES = {"flite": _flite_takes, "festival": _festival_takes, "espeak-ng": _espeak_takes}


def _run(command: list[str], seconds: float) -> str:
    """Return what a command printed; a line it fails on shows by its missing output."""
    try:
        return subprocess.run(command, capture_output=True, timeout=seconds, check=False).stdout.decode("latin-1")
    except subprocess.TimeoutExpired as error:
        raise InputError(
            f"{command[0]} was still silent after {seconds:.0f} s; see that it works: {command}"
        ) from error


def _take(voice: Voice, line: Line, sound: Path, ends: list[tuple[float, str]]) -> Iterator[_Take]:
    """Yield what a command said, from its sound file and the (end in seconds, phone) pairs; nothing where it failed."""
    import soundfile

    table = PHONES[voice.language]
    unknown = sorted({phone for _, phone in ends} - set(table))
    if unknown or not ends or not sound.exists():
        _log.warning("%s cannot say %r (phones without a label: %s)", voice.name, line.text, unknown)
        return
    samples, rate = soundfile.read(sound, dtype="int16")
    starts = [0.0, *(end for end, _ in ends)]
    yield _Take(line, samples, rate, [(start, table[phone]) for start, (_, phone) in zip(starts, ends, strict=False)])


def _phonemes(starts: list[tuple[float, str]], duration: float, shift: float) -> tuple[Phoneme, ...]:
    """Make phonemes from 0 s to the end of (start, label) pairs, moved by ``shift``, equal neighbours as one."""
    kept: list[tuple[float, str]] = []
    for start, label in [(0.0, "sil"), *starts]:
        start = max(0.0, start + shift) if start > 0 else 0.0
        if start >= duration:
            break
        while kept and start <= kept[-1][0]:
            kept.pop()
        if not kept or label != kept[-1][1]:
            kept.append((start, label))
    ends = [start for start, _ in kept[1:]] + [duration]
    return tuple(Phoneme(label, start, end) for (start, label), end in zip(kept, ends, strict=True))


def _resample(sound: np.ndarray, rate: int) -> np.ndarray:
    from scipy.signal import resample_poly

    if rate == SAMPLE_RATE or not len(sound):
        return sound
    shared = gcd(rate, SAMPLE_RATE)
    resampled = resample_poly(sound.astype(np.float32), SAMPLE_RATE // shared, rate // shared)
    return np.clip(np.rint(resampled), -32768, 32767).astype(np.int16)
