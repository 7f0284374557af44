"""What the page and the HTTP endpoints do, without a word about how they look."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kmtalk.audio import SAMPLE_RATE, load_audio
from kmtalk.errors import InputError
from kmtalk.export import export
from kmtalk.face import IDENTITIES, Face, load_face
from kmtalk.models.kmtalk import KMTalk
from kmtalk.motion import Animation
from kmtalk.render import CAMERAS, render
from kmtalk.web.background import Report

MIN_SECONDS, MAX_SECONDS, MAX_MEGABYTES = 0.3, 60, 25
FRAME_RATES = (25, 30, 50, 60)
SIZES = (256, 512, 720, 1080)
DATA_FORMATS = ("npz", "glb", "csv", "TextGrid", "json")
FORMATS = ("mp4", *DATA_FORMATS)


@dataclass(frozen=True)
class Wish:
    """What somebody asked for: who speaks, frames a second, and blinks, gaze and head motion drawn from the seed."""

    identity: str = "ari"
    fps: int = 25
    life: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        _check("identity", self.identity, IDENTITIES)
        _check("fps", self.fps, FRAME_RATES)
        if not 0 <= self.seed < 2**31:
            raise InputError(f"seed {self.seed} is not allowed: give a whole number from 0 to {2**31 - 1}")


@dataclass(frozen=True)
class Shot:
    """How the video is filmed: pixels to a side, and from where."""

    size: int = 512
    camera: str = "front"

    def __post_init__(self) -> None:
        _check("size", self.size, SIZES)
        _check("camera", self.camera, CAMERAS)


@dataclass(frozen=True)
class Take:
    """One run: the animation, the name that its files get, and the seconds that each stage took."""

    animation: Animation
    name: str
    seconds: dict[str, float]


@dataclass
class Stopwatch:
    """A report that is passed on, and keeps how long each stage took."""

    report: Report
    seconds: dict[str, float] = field(default_factory=dict)
    _stage: str = ""
    _since: float = 0.0

    def __call__(self, stage: str, fraction: float) -> None:
        """Note that this stage is running and pass it on."""
        if stage != self._stage:
            self.stop()
            self._stage = stage
        self.report(stage, fraction)

    def stop(self) -> None:
        """Close the running stage."""
        now = time.perf_counter()
        if self._stage:
            self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + now - self._since
        self._stage, self._since = "", now


@dataclass(frozen=True)
class Service:
    """Runs a model for the page and the endpoints.

    model_name: how the page calls the model; animate: kmtalk.animate, or a stand-in that runs it on a borrowed GPU;
    faces: by identity, loaded once.
    """

    model: KMTalk
    model_name: str
    animate: Callable[..., Animation]
    faces: dict[str, Face] = field(default_factory=lambda: {name: load_face(name) for name in IDENTITIES})

    def record(self, path: str | None, wish: Wish, report: Report) -> Take:
        """Read a recording and animate it."""
        watch = Stopwatch(report)
        watch("reading the recording", 0.0)
        audio = checked_audio(path)
        speech = (audio, SAMPLE_RATE)
        face = self.faces[wish.identity]
        animation = self.animate(speech, face=face, fps=wish.fps, life=wish.life, seed=wish.seed, progress=watch)
        watch.stop()
        return Take(animation, Path(path).stem or "speech", watch.seconds)

    def write(self, take: Take, folder: Path, formats: Sequence[str], report: Report) -> list[Path]:
        """Write a take's data files into a folder."""
        started, paths = time.perf_counter(), []
        for index, suffix in enumerate(formats):
            report("writing files", index / len(formats))
            paths.append(export(take.animation, folder / f"{take.name}.{suffix}"))
        take.seconds["writing files"] = time.perf_counter() - started
        return paths

    def film(self, take: Take, folder: Path, shot: Shot, report: Report) -> Path:
        """Write a take's MP4 into a folder."""
        started = time.perf_counter()
        report("rendering", 0.0)
        path = render(
            take.animation,
            folder / f"{take.name}.mp4",
            size=shot.size,
            camera=shot.camera,
            progress=lambda done, total: report(f"rendering frame {done} of {total}", done / total),
        )
        take.seconds["rendering and encoding"] = time.perf_counter() - started
        return path

    def info(self) -> dict[str, Any]:
        """Return what this service runs and allows."""
        return {
            "model": self.model_name,
            "device": str(self.model.device),
            "identities": list(IDENTITIES),
            "cameras": list(CAMERAS),
            "formats": list(FORMATS),
            "fps": list(FRAME_RATES),
            "size": list(SIZES),
            "limits": {"min_seconds": MIN_SECONDS, "max_seconds": MAX_SECONDS, "max_megabytes": MAX_MEGABYTES},
            "units": {"time": "seconds", "vertices": "metres", "weights": "0 to 1", "angles": "radians"},
        }


def checked_audio(path: str | None) -> np.ndarray:
    """Return a recording's (S,) float32 samples at 16 kHz, if its length is one that the page takes."""
    if not path:
        raise InputError("there is no recording yet: upload one, record yourself, or pick an example")
    audio = load_audio(path)
    seconds = len(audio) / SAMPLE_RATE
    if seconds < MIN_SECONDS:
        raise InputError(f"the recording is {seconds:.2f} s long: at least {MIN_SECONDS} s are needed to hear a word")
    if seconds > MAX_SECONDS:
        raise InputError(
            f"the recording is {seconds:.0f} s long and this page takes up to {MAX_SECONDS} s: "
            "shorten it, or run `python -m kmtalk animate` on your own machine, which takes any length"
        )
    return audio


def check_formats(formats: Sequence[str]) -> None:
    """Make sure that every format is one of FORMATS."""
    for suffix in formats:
        _check("format", suffix, FORMATS)


def facts(take: Take, model_name: str) -> dict[str, str]:
    """Return the table that tells how a take was made, as name -> value."""
    animation = take.animation
    spoken = sum(phoneme.label != "sil" for phoneme in animation.phonemes)
    table = {
        "Recording": f"{animation.duration:.2f} s, 16 kHz mono",
        "Phonemes": f"{spoken}, without silences",
        "Key frames": f"{len(animation.key_frames)} of {animation.frames} frames at {animation.fps:g} a second",
        "Model": model_name,
    }
    noticed = {stage: seconds for stage, seconds in take.seconds.items() if seconds >= 0.005}
    return table | {stage.capitalize(): f"{seconds:.2f} s" for stage, seconds in noticed.items()}


def _check(name: str, value: object, allowed: Sequence[object]) -> None:
    if value not in allowed:
        raise InputError(f"{name} {value!r} is not allowed: use one of {', '.join(map(str, allowed))}")
