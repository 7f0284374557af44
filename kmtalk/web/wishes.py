"""What can be asked for, on the page and by the endpoints, and the limits of both."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kmtalk.animate import KEYS
from kmtalk.audio import SAMPLE_RATE, load_audio
from kmtalk.errors import InputError
from kmtalk.render import ASPECTS, BACKDROPS, CAMERAS, CAPTIONS, LOOKS, Shot

MIN_SECONDS, MAX_SECONDS, MAX_MEGABYTES = 0.3, 60, 25
FRAME_RATES = (25, 30, 50, 60)
SIZES = (256, 512, 720, 1080)
DATA_FORMATS = ("npz", "glb", "csv", "TextGrid", "json")
FILMED = ("mp4", "webm", "png.zip")
HEAVY = ("webm", "png.zip", "obj.zip")
"""Files that the page makes on demand, since they take long or are large."""

FORMATS = ("mp4", *DATA_FORMATS, "srt", *HEAVY)
COMPARISONS = ("nothing", "uniform key frames", "no edits", "no life")
LANGUAGES = {
    "en-us": "English (US)",
    "en-gb": "English (UK)",
    "ca": "Catalan",
    "cs": "Czech",
    "nl": "Dutch",
    "fi": "Finnish",
    "fr-fr": "French",
    "de": "German",
    "hi": "Hindi",
    "it": "Italian",
    "pl": "Polish",
    "pt-br": "Portuguese (Brazil)",
    "ru": "Russian",
    "es": "Spanish",
    "sv": "Swedish",
    "tr": "Turkish",
}
"""Languages of transcripts, by espeak-ng's names."""


@dataclass(frozen=True)
class Wish:
    """What somebody asked for: who speaks, where the key frames lie, and blinks, gaze and head motion by the seed.

    identity: empty for the first; transcript, in a language of LANGUAGES, or alignment, a TextGrid's path: what is
    known of what is said; style: one of the model's subjects, empty for their mean.
    """

    identity: str = ""
    fps: int = 25
    life: bool = True
    seed: int = 0
    keys: str = "phonemes"
    transcript: str = ""
    language: str = "en-us"
    alignment: str | None = None
    style: str = ""

    def __post_init__(self) -> None:
        check("fps", self.fps, FRAME_RATES)
        check("keys", self.keys, KEYS)
        check("language", self.language, LANGUAGES)
        if not 0 <= self.seed < 2**31:
            raise InputError(f"seed {self.seed} is not allowed: give a whole number from 0 to {2**31 - 1}")

    @property
    def options(self) -> dict[str, Any]:
        """What kmtalk.animate takes of it, but for the face."""
        return {
            "fps": self.fps,
            "life": self.life,
            "seed": self.seed,
            "keys": self.keys,
            "transcript": self.transcript.strip() or None,
            "language": self.language,
            "alignment": self.alignment,
            "style": self.style or None,
        }


def make_shot(size: int = 512, **settings: str | None) -> Shot:
    """Return a shot of a size that is on offer; settings: other fields of a Shot."""
    check("size", size, SIZES)
    return Shot(size, **settings)


def offers() -> dict[str, Any]:
    """Return what can be asked for, the limits, and the units of all files."""
    return {
        "cameras": list(CAMERAS),
        "formats": list(FORMATS),
        "fps": list(FRAME_RATES),
        "size": list(SIZES),
        "keys": list(KEYS),
        "languages": dict(LANGUAGES),
        "aspects": list(ASPECTS),
        "looks": list(LOOKS),
        "backgrounds": [*BACKDROPS, "#rrggbb"],
        "captions": list(CAPTIONS),
        "comparisons": list(COMPARISONS),
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
        check("format", suffix, FORMATS)


def check(name: str, value: object, allowed: Collection[object]) -> None:
    """Make sure that a value is one of those allowed."""
    if value not in allowed:
        raise InputError(f"{name} {value!r} is not allowed: use one of {', '.join(map(str, allowed))}")
