"""Training batches: crops of the bank, stretched in time, louder and softer, augmented, with noisy key frames."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from kmtalk.data.augment import Augmenter
from kmtalk.data.bank import Bank, Entry, is_formant
from kmtalk.data.tones import tones
from kmtalk.errors import InputError
from kmtalk.models.encoder import BINS, normalise, power_spectrum
from kmtalk.models.layers import sample
from kmtalk.phonemes import LABELS, RATE, VOWELS

SECONDS = 3.0
NOTHING_SAID = 0.09
TONES = 0.75
PAUSE = 0.25
BREATH = 0.4
DRAWN_OUT = 0.2
_SILENT = -14.0
_HOLDABLE = [LABELS.index(label) for label in (*sorted(VOWELS), "M", "N")]


@dataclass(frozen=True)
class Batch:
    """One training step's worth of speech.

    mel: (B, 2 T', bands) normalised features at 100 Hz; labels: (B, 2 T') int64; motion: (B, T, K) at
    fps; key_frames: (B, N) int64, the last repeated as padding; key_mask: (B, N) bool, False on the padding.
    """

    mel: Tensor
    labels: Tensor
    motion: Tensor
    key_frames: Tensor
    key_mask: Tensor
    fps: float

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on another device."""
        moved = (self.mel, self.labels, self.motion, self.key_frames, self.key_mask)
        return Batch(*(tensor.to(device) for tensor in moved), self.fps)


@dataclass(frozen=True)
class _Crop:
    power: np.ndarray
    labels: np.ndarray
    motion: np.ndarray
    warp: float


class Batches:
    """Endless random training batches from a bank.

    gain_channels: indices of the weights that loudness opens; without: of AUGMENTATIONS, those left out.
    """

    def __init__(
        self,
        bank: Bank,
        size: int,
        seed: int,
        gain_channels: list[int],
        frame_rates: tuple[float, ...],
        without: tuple[str, ...] = (),
    ) -> None:
        self.bank, self.size, self.gain_channels, self.frame_rates = bank, size, gain_channels, frame_rates
        self.random = np.random.default_rng(seed)
        self.augment = Augmenter(torch.Generator().manual_seed(seed), without=without)
        self.groups = _by_voice([entry for entry in bank.entries if entry.split == "train"])
        if not self.groups:
            raise InputError("the corpus has no clip to train on: all of it is held out; make a larger one")

    def __next__(self) -> Batch:
        """Draw the next batch."""
        fps = float(self.random.choice(self.frame_rates))
        crops = [self._crop() for _ in range(self.size)]
        power = torch.exp(torch.from_numpy(np.stack([crop.power for crop in crops])))
        motion = torch.from_numpy(np.stack([crop.motion for crop in crops]))
        if "effort" not in self.augment.without:
            power, motion = self._effort(power, motion)
        mel = self.augment.warp(power, [crop.warp for crop in crops])
        mel = self.augment.mask(normalise(self.augment(mel)))
        labels = torch.from_numpy(np.stack([crop.labels for crop in crops]))
        key_frames, mask = pad_keys([self._noisy_keys(crop.labels, fps) for crop in crops])
        return Batch(mel, labels, at_rate(motion, fps), key_frames, mask, fps)

    def _crop(self) -> _Crop:
        voices = list(self.groups)
        shares = np.array([share for share, _ in self.groups.values()])
        _, entries = self.groups[voices[self.random.choice(len(voices), p=shares / shares.sum())]]
        entry = entries[self.random.integers(len(entries))]
        rate = self.random.uniform(0.75, 1.45) * entry.speed ** -self.random.uniform(0.5, 1.0)
        warp = self.random.uniform(0.84, 1.19) * entry.speed ** self.random.uniform(0.4, 1.0)
        without = self.augment.without
        rate, warp = (1.0 if name in without else amount for name, amount in (("speed", rate), ("warp", warp)))
        return cut(self.bank, entry, round(SECONDS * RATE), rate, warp, self.random)

    def _effort(self, power: Tensor, motion: Tensor) -> tuple[Tensor, Tensor]:
        """Let speech swell and fade slowly; the mouth opens wider for louder speech, as people's do."""
        count, frames = power.shape[:2]
        knots = torch.from_numpy(self.random.normal(0, 1, (count, frames // 60 + 2, 1)).astype(np.float32))
        depth = torch.from_numpy(self.random.uniform(0, 5, (count, 1, 1)).astype(np.float32))
        decibel = sample(knots, torch.linspace(0, knots.shape[1] - 1, frames)) * depth
        motion = motion.clone()
        motion[..., self.gain_channels] *= 10 ** (decibel.clamp(-8, 8) / 45)
        return power * 10 ** (decibel / 10), motion

    def _noisy_keys(self, labels: np.ndarray, fps: float) -> np.ndarray:
        """Boundary frames as a localiser would give them: some a frame off, some missed, some that are not there."""
        frames = round(len(labels) / RATE * fps)
        keys = np.rint((np.flatnonzero(np.diff(labels)) + 1) / RATE * fps).astype(np.int64)
        keys = keys[self.random.random(len(keys)) > 0.1]
        keys = keys + self.random.choice([-1, 0, 1], len(keys), p=[0.15, 0.7, 0.15])
        spurious = self.random.integers(0, frames, self.random.poisson(0.08 * max(1, len(keys))))
        return np.unique(np.clip(np.concatenate([keys, spurious, [0, frames - 1]]), 0, frames - 1))


def cut(bank: Bank, entry: Entry, frames: int, rate: float, warp: float, random: np.random.Generator) -> _Crop:
    """Cut `frames` frames out of an entry at a random place, `rate` times as fast, padded with silence.

    Some crops begin with a pause before the utterance, and a few hold no speech at all, only what augmentation adds.
    """
    power = np.full((frames, BINS), _SILENT, np.float32)
    labels = np.zeros(frames, np.int64)
    motion = np.zeros((frames, bank.motion.shape[1]), np.float32)
    if random.random() < NOTHING_SAID:
        if random.random() < TONES:
            heard = torch.from_numpy(tones(frames / RATE, random).astype(np.float32))
            power = torch.log(power_spectrum(heard[None])[0] + 1e-8).numpy()
        return _Crop(power, labels, motion, warp)
    lead = int(random.uniform(0, 0.6) * frames) if random.random() < PAUSE else 0
    need = int((frames - lead) * rate) + 2
    start = entry.start + (0 if lead else int(random.integers(max(1, entry.stop - entry.start - need + 1))))
    stop = min(entry.stop, start + need)
    position = np.arange(frames - lead) * rate
    if random.random() < DRAWN_OUT:
        position = _draw_out(position, bank.labels[start:stop], random)
    position = position[position <= stop - start - 1]
    below = np.minimum(position.astype(int), max(0, stop - start - 2))
    share = (position - below)[:, None].astype(np.float32)
    above = np.minimum(below + 1, stop - start - 1)
    place = slice(lead, lead + len(position))
    for source, target in ((bank.spectra, power), (bank.motion, motion)):
        piece = source[start:stop].astype(np.float32)
        target[place] = piece[below] * (1 - share) + piece[above] * share
    labels[place] = bank.labels[start:stop][np.rint(position).astype(int)]
    if lead > 20 and random.random() < BREATH:
        _breathe(power[:lead], float(power[place].max(axis=1).mean()), random)
    return _Crop(power, labels, motion, warp)


def _draw_out(position: np.ndarray, labels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Hold one vowel, m or n for 0.2 to 0.9 s, as hesitating people do: (T,) places to read at -> the same, held."""
    place = position[position < len(labels)].astype(int)
    vowels = np.flatnonzero(np.isin(labels[place], _HOLDABLE))
    if not len(vowels):
        return position
    steps = np.diff(position, append=position[-1])
    held = int(random.choice(vowels))
    steps[held : held + int(random.uniform(20, 90))] *= random.uniform(0.05, 0.15)
    return position[0] + np.append(0, np.cumsum(steps)[:-1])


def _breathe(power: np.ndarray, loud: float, random: np.random.Generator) -> None:
    """Add a breath, 15 to 45 dB under the speech's level, to the (T, BINS) log power of a pause, in place."""
    length = min(len(power), int(random.uniform(15, 50)))
    start = int(random.integers(len(power) - length + 1))
    swell = np.log(np.sin(np.linspace(0.1, np.pi - 0.1, length)))[:, None]
    formant, spread = random.uniform(20, 110), random.uniform(15, 60)  # bins of 31 Hz
    colour = -0.5 * ((np.arange(power.shape[1]) - formant) / spread) ** 2
    grain = np.log(random.exponential(1, (length, power.shape[1])) + 1e-3)
    breath = loud - random.uniform(15, 45) / 4.34 + np.maximum(colour, -4) + swell + grain
    place = slice(start, start + length)
    power[place] = np.logaddexp(power[place], breath)


def at_rate(motion: Tensor, fps: float) -> Tensor:
    """(B, T', K) motion at RATE -> (B, round(T' / RATE * fps), K) at fps."""
    frames = round(motion.shape[1] / RATE * fps)
    return sample(motion, torch.arange(frames, device=motion.device) / fps * RATE)


def pad_keys(keys: list[np.ndarray]) -> tuple[Tensor, Tensor]:
    """Stack key frames of several clips: (B, N) int64 with the last repeated, and the (B, N) mask of real ones."""
    longest = max(len(key) for key in keys)
    padded = torch.from_numpy(np.stack([np.pad(key, (0, longest - len(key)), mode="edge") for key in keys]))
    lengths = torch.tensor([len(key) for key in keys])
    return padded, torch.arange(longest)[None] < lengths[:, None]


def _by_voice(entries: list[Entry]) -> dict[str, tuple[float, list[Entry]]]:
    """Voice -> (share of the batches, entries); formant synthesis of all voices together gets 15 %."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault("formant" if is_formant(entry.voice) else entry.voice, []).append(entry)
    frames = {voice: sum(entry.stop - entry.start for entry in group) for voice, group in groups.items()}
    recorded = sum(count**0.5 for voice, count in frames.items() if voice != "formant") or 1.0
    return {
        voice: (0.15 if voice == "formant" else 0.85 * frames[voice] ** 0.5 / recorded, group)
        for voice, group in groups.items()
    }
