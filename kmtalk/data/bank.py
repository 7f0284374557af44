"""The bank: a spoken corpus turned into spectra, labels and ground-truth motion, memory-mapped for training.

Every clip is stored at several playback speeds. A sped-up voice is also a higher and smaller one, so that with the
time stretch and the vocal-tract warp of training, rate, pitch and formants vary apart from each other.
"""

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from kmtalk.audio import SAMPLE_RATE
from kmtalk.data import articulation as articulation_rules
from kmtalk.data.articulation import Articulation
from kmtalk.data.clip import Clip
from kmtalk.data.voices import voices
from kmtalk.errors import InputError
from kmtalk.files import make_folder, replacing
from kmtalk.models.encoder import BINS, power_spectrum
from kmtalk.phonemes import LABELS, RATE, Phoneme

SPEEDS = (1.0, 0.82, 1.22)
CHILDLIKE = 1.45
"""The speed at which a man's voice is as high as a child's; men's voices are stored at it too."""
MEN = frozenset(voice.name for voice in voices(permissive_only=False) if voice.sex == "male")
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """One clip at one speed: frames [start, stop) of the bank's arrays."""

    voice: str
    split: str
    speed: float
    start: int
    stop: int


@dataclass(frozen=True)
class Bank:
    """N frames at 100 Hz. spectra: (N, BINS) float16 log power; labels: (N,) int8; motion: (N, K) float16."""

    entries: tuple[Entry, ...]
    spectra: np.ndarray
    labels: np.ndarray
    motion: np.ndarray

    def moved(self) -> np.ndarray:
        """Return (K,) bool, the weights that the motion of a sample of the frames moves at all."""
        return np.any(self.motion[:: max(1, len(self.motion) // 100_000)] != 0, axis=0)


def is_formant(voice: str) -> bool:
    """Whether a voice is formant synthesis, which varies by itself but sounds least like people."""
    return voice.startswith("espeak")


def frame_labels(phonemes: tuple[Phoneme, ...], frames: int) -> np.ndarray:
    """Return (frames,) int8 indices into LABELS at RATE, silence where no phoneme is given."""
    labels = np.zeros(frames, np.int8)
    for phoneme in phonemes:
        labels[round(phoneme.start * RATE) : round(phoneme.end * RATE)] = LABELS.index(phoneme.label)
    return labels


def build_bank(
    clips: Sequence[Clip], articulation: Articulation, out: Path, speeds: tuple[float, ...] = SPEEDS
) -> Bank:
    """Write the bank of some clips into folder `out` and open it; an existing whole bank is opened as it is."""
    made_of = _fingerprint(clips, articulation)
    if (out / "bank.json").is_file():
        if json.loads((out / "bank.json").read_text()).get("made_of") != made_of:
            raise InputError(
                f"the bank in {out} was made of another corpus, face or rules: remove it or choose another"
            )
        return open_bank(out)
    make_folder(out)
    entries, position = [], 0
    with (
        (out / "spectra.f16").open("wb") as spectra,
        (out / "labels.i8").open("wb") as labels,
        (out / "motion.f16").open("wb") as motion,
    ):
        for clip in clips:
            for speed in _speeds(clip, speeds):
                audio, phonemes = _at_speed(clip, speed)
                frames = len(audio) // (SAMPLE_RATE // RATE)
                power = power_spectrum(torch.from_numpy(audio)[None])[0]
                spectra.write(torch.log(power + 1e-8).half().numpy().tobytes())
                labels.write(frame_labels(phonemes, frames).tobytes())
                motion.write(articulation.articulate(phonemes, audio, frames).astype(np.float16).tobytes())
                entries.append(Entry(clip.voice, clip.split, speed, position, position + frames))
                position += frames
    index = {
        "made_of": made_of,
        "weights": len(articulation.face.basis_names),
        "entries": [asdict(entry) for entry in entries],
    }
    with replacing(out / "bank.json") as temporary:
        temporary.write_text(json.dumps(index))
    logger.info("bank of %d entries, %.2f hours, in %s", len(entries), position / RATE / 3600, out)
    return open_bank(out)


def open_bank(folder: Path) -> Bank:
    """Open a bank that build_bank wrote."""
    index = json.loads((folder / "bank.json").read_text())
    return Bank(
        entries=tuple(Entry(**entry) for entry in index["entries"]),
        spectra=np.memmap(folder / "spectra.f16", np.float16, "r").reshape(-1, BINS),
        labels=np.memmap(folder / "labels.i8", np.int8, "r"),
        motion=np.memmap(folder / "motion.f16", np.float16, "r").reshape(-1, index["weights"]),
    )


def _fingerprint(clips: Sequence[Clip], articulation: Articulation) -> str:
    """What a bank depends on: the clips, the face and the rules, as far as can be told at a glance."""
    digest = hashlib.sha256(Path(articulation_rules.__file__).read_bytes())
    for array in (articulation.face.template, articulation.face.basis):
        digest.update(array.tobytes())
    digest.update(repr([len(clips), *(clip.name for clip in (clips[0], clips[-1]))]).encode())
    return digest.hexdigest()


def _speeds(clip: Clip, speeds: tuple[float, ...]) -> tuple[float, ...]:
    if clip.split != "train" or is_formant(clip.voice):
        return (1.0,)
    return (*speeds, CHILDLIKE) if clip.voice in MEN else speeds


def _at_speed(clip: Clip, speed: float) -> tuple[np.ndarray, tuple[Phoneme, ...]]:
    if speed == 1.0:
        return clip.audio, clip.phonemes
    import soxr

    audio = soxr.resample(clip.audio, SAMPLE_RATE * speed, SAMPLE_RATE)
    return audio, tuple(Phoneme(p.label, p.start / speed, p.end / speed) for p in clip.phonemes)
