"""What the experiments learn from and are judged on: English clips of a spoken corpus, as spectra and motion."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from kmtalk.data import articulation as articulation_rules
from kmtalk.data.articulation import Articulation
from kmtalk.data.bank import frame_labels
from kmtalk.data.batches import Batch, pad_keys
from kmtalk.data.clip import Clip, Corpus
from kmtalk.errors import InputError
from kmtalk.experiments.placements import CENTRES, keys_of
from kmtalk.files import replacing
from kmtalk.keys import spread_keys
from kmtalk.models.encoder import mel_power, normalise
from kmtalk.phonemes import LABELS, RATE, Phoneme, key_frames

FPS = 25.0
BANDS = 80
LANGUAGE = "en"
"""The paper's data sets are English too; in few steps a small model learns one language better than twenty."""

_PER_FRAME = round(RATE / FPS)
_LONGEST = 5.0  # seconds of a held-out clip that are scored
_CROP = 3.0  # seconds of a training clip in a batch
_MISSED, _EARLY_OR_LATE, _SPURIOUS = 0.1, 0.15, 0.08  # of the key frames in training, as the shipped model's


@dataclass(frozen=True)
class Utterance:
    """One clip of T motion frames at FPS.

    mel: (4 T, BANDS) normalised features at 100 Hz; labels: (4 T,) indices into LABELS; motion: (T, K) true weights;
    unheard: whether no training clip is of this voice.
    """

    voice: str
    unheard: bool
    mel: np.ndarray
    labels: np.ndarray
    motion: np.ndarray

    def phonemes(self) -> tuple[Phoneme, ...]:
        """Return the phonemes that the labels say, in seconds."""
        bounds = [*np.flatnonzero(np.diff(self.labels, prepend=-1)).tolist(), len(self.labels)]
        pairs = zip(bounds, bounds[1:], strict=False)
        return tuple(Phoneme(LABELS[self.labels[start]], start / RATE, end / RATE) for start, end in pairs)

    def true_keys(self) -> np.ndarray:
        """Return the (N,) key frames at the true phoneme boundaries."""
        return key_frames(self.phonemes(), FPS, len(self.motion))


@dataclass(frozen=True)
class Material:
    """Utterances to learn from and held-out ones, of unheard voices and of unheard sentences."""

    train: tuple[Utterance, ...]
    held_out: tuple[Utterance, ...]

    @property
    def hours(self) -> float:
        """Hours of speech to learn from."""
        return sum(len(utterance.motion) for utterance in self.train) / FPS / 3600


def gather(corpus: Corpus, articulation: Articulation, folder: Path, hours: float, held_out: int) -> Material:
    """Return clips of a corpus, drawn by a fixed seed and kept in folder/material.npz to be opened again.

    hours: of speech to learn from, or all there is; held_out: clips to score, half of them of unheard voices if there
    are as many. Errors: InputError where the corpus has no English clips of both kinds, or the folder holds others.
    """
    path = folder / "material.npz"
    made_of = _fingerprint(corpus, articulation, hours, held_out)
    if not path.is_file():
        train, others = list(_until(_drawn(corpus, "train"), hours * 3600)), list(_drawn(corpus, "validation"))
        voices = {_voice(clip) for clip in train}
        first = [clip for clip in others if _voice(clip) not in voices][: held_out // 2]
        rest = [clip for clip in others if _voice(clip) in voices][: held_out - len(first)]
        if not train or not first + rest:
            raise InputError("the corpus has no English clips to learn from and to hold out: make a larger one")
        _write(path, [*train, *first, *rest], articulation, made_of)
    material, found = _read(path)
    if found != made_of:
        raise InputError(f"{path} was made of another corpus or by other rules: remove it or choose another --out")
    return material


def _drawn(corpus: Corpus, split: str) -> Iterator[Clip]:
    order = np.random.default_rng(0).permutation(corpus.indices(split)).tolist()
    return (clip for clip in (corpus[index] for index in order) if clip.language.split("-")[0] == LANGUAGE)


def _voice(clip: Clip) -> str:
    """Who speaks, whatever the timbre."""
    return clip.voice.split("+")[0]


def _until(clips: Iterator[Clip], seconds: float) -> Iterator[Clip]:
    for clip in clips:
        if seconds <= 0:
            return
        seconds -= clip.phonemes[-1].end
        yield clip


def _fingerprint(corpus: Corpus, articulation: Articulation, hours: float, held_out: int) -> str:
    digest = hashlib.sha256(Path(articulation_rules.__file__).read_bytes())
    digest.update(articulation.face.basis.tobytes())
    digest.update(json.dumps([corpus.recipe, hours, held_out]).encode())
    return digest.hexdigest()


def _write(path: Path, clips: list[Clip], articulation: Articulation, made_of: str) -> None:
    heard = {_voice(clip) for clip in clips if clip.split == "train"}
    entries, mels, labels, motions = [], [], [], []
    for clip in clips:
        frames = len(clip.audio) * RATE // 16000 // _PER_FRAME
        if clip.split != "train":
            frames = min(frames, int(_LONGEST * FPS))
        long = frames * _PER_FRAME
        mel = normalise(mel_power(torch.from_numpy(clip.audio)[None], BANDS))[0].numpy()
        moved = articulation.articulate(clip.phonemes, clip.audio, len(clip.audio) * RATE // 16000)
        mels.append(mel[:long].astype(np.float16))
        motions.append(moved[:long:_PER_FRAME].astype(np.float16))
        labels.append(frame_labels(clip.phonemes, len(mel))[:long])
        voice, split = _voice(clip), clip.split
        entries.append({"voice": voice, "split": split, "unheard": voice not in heard, "frames": frames})
    with replacing(path) as temporary:
        np.savez(
            temporary,
            mel=np.concatenate(mels),
            labels=np.concatenate(labels),
            motion=np.concatenate(motions),
            index=json.dumps({"made_of": made_of, "entries": entries}),
        )


def _read(path: Path) -> tuple[Material, str]:
    with np.load(path) as stored:
        index = json.loads(str(stored["index"]))
        mel, labels, motion = (stored[name] for name in ("mel", "labels", "motion"))
    parts, at = {"train": [], "validation": []}, 0
    for entry in index["entries"]:
        end = at + entry["frames"]
        long = slice(at * _PER_FRAME, end * _PER_FRAME)
        parts[entry["split"]].append(
            Utterance(
                entry["voice"],
                entry["unheard"],
                mel[long].astype(np.float32),
                labels[long],
                motion[at:end].astype(np.float32),
            )
        )
        at = end
    return Material(tuple(parts["train"]), tuple(parts["validation"])), index["made_of"]


class Crops:
    """Training batches by number: batch n of a seed holds the same crops for every row, only its key frames differ.

    size: clips in a batch; keys: one of kmtalk.keys.KINDS or CENTRES; heard ones are noisy, as a localiser's are.
    """

    def __init__(self, utterances: tuple[Utterance, ...], size: int, seed: int, keys: str = "phonemes") -> None:
        self.utterances, self.size, self.seed, self.keys = utterances, size, seed, keys
        lengths = np.array([len(utterance.motion) for utterance in utterances], float)
        self.shares = lengths / lengths.sum()

    def __call__(self, index: int) -> Batch:
        """Draw batch number `index`."""
        random = np.random.default_rng((self.seed, index))
        chosen = random.choice(len(self.utterances), self.size, p=self.shares)
        crops = [_crop(self.utterances[number], random) for number in chosen]
        heard = self.keys if self.keys == CENTRES else "phonemes"
        frames = len(crops[0].motion)
        at = [_noisy(keys_of(heard, crop.phonemes(), FPS, frames, random), frames, random) for crop in crops]
        if self.keys != heard:
            at = [spread_keys(self.keys, len(keys), frames, random) for keys in at]
        keys, mask = pad_keys(at)
        return Batch(
            mel=torch.from_numpy(np.stack([crop.mel for crop in crops])),
            labels=torch.from_numpy(np.stack([crop.labels for crop in crops]).astype(np.int64)),
            motion=torch.from_numpy(np.stack([crop.motion for crop in crops])),
            key_frames=keys,
            key_mask=mask,
            fps=FPS,
        )


def _crop(utterance: Utterance, random: np.random.Generator) -> Utterance:
    """A stretch of _CROP seconds from a random frame on, held at its end where the clip is shorter."""
    wanted = int(_CROP * FPS)
    start = int(random.integers(max(1, len(utterance.motion) - wanted + 1)))
    long = slice(start * _PER_FRAME, (start + wanted) * _PER_FRAME)
    parts = (utterance.mel[long], utterance.labels[long], utterance.motion[start : start + wanted])
    lengths = (wanted * _PER_FRAME, wanted * _PER_FRAME, wanted)
    held = [_held(part, length) for part, length in zip(parts, lengths, strict=True)]
    return Utterance(utterance.voice, utterance.unheard, *held)


def _held(part: np.ndarray, length: int) -> np.ndarray:
    return np.concatenate([part, np.repeat(part[-1:], length - len(part), axis=0)]) if len(part) < length else part


def _noisy(keys: np.ndarray, frames: int, random: np.random.Generator) -> np.ndarray:
    """Key frames as a localiser would give them: some a frame off, some missed, some that are not there."""
    kept = keys[random.random(len(keys)) > _MISSED]
    odds = [_EARLY_OR_LATE, 1 - 2 * _EARLY_OR_LATE, _EARLY_OR_LATE]
    kept = kept + random.choice([-1, 0, 1], len(kept), p=odds)
    spurious = random.integers(0, frames, random.poisson(_SPURIOUS * max(1, len(keys))))
    return np.unique(np.clip(np.concatenate([kept, spurious, [0, frames - 1]]), 0, frames - 1))


def describe(material: Material) -> dict[str, float | int]:
    """Return the sizes that a report tells."""
    return {
        "hours": material.hours,
        "voices": len({utterance.voice for utterance in material.train}),
        "held_out": len(material.held_out),
        "unheard": sum(utterance.unheard for utterance in material.held_out),
        "held_out_minutes": sum(len(utterance.motion) for utterance in material.held_out) / FPS / 60,
    }
