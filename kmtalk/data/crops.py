"""Training batches from a prepared data set: crops of its clips, read from disk when they are drawn."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import soundfile
import torch
from torch import Tensor

from kmtalk.audio import SAMPLE_RATE
from kmtalk.data.batches import pad_keys
from kmtalk.data.prepared import Prepared, PreparedClip
from kmtalk.errors import InputError
from kmtalk.keys import spread_keys
from kmtalk.models.encoder import FEATURE_RATE
from kmtalk.phonemes import LABELS, RATE, Phoneme, key_frames


@dataclass(frozen=True)
class CropBatch:
    """Crops of one length from several clips.

    audio: (B, S) 16 kHz; labels: (B, L) int64 at 100 Hz, L = 2 ceil(S / 320); motion: (B, T, K) at fps; key_frames:
    (B, N) int64, the last repeated as padding; key_mask: (B, N) bool, False on it; subjects: B names;
    pairs: (B, P) int64 frames t whose vertices and those of t + 1 were read, the first P / 2 of them at the key frames
    numbered by picked (B, P / 2); vertices: (B, P, 2, V, 3) millimetres from the subject's template. P may be 0.
    """

    audio: Tensor
    labels: Tensor
    motion: Tensor
    key_frames: Tensor
    key_mask: Tensor
    pairs: Tensor
    picked: Tensor
    vertices: Tensor
    subjects: tuple[str, ...]
    fps: float

    def to(self, device: torch.device) -> "CropBatch":
        """Return the batch on another device."""
        moved = {name: value.to(device) for name, value in vars(self).items() if isinstance(value, Tensor)}
        return CropBatch(**moved, subjects=self.subjects, fps=self.fps)


class Crops:
    """Training batches by number: batch n is always the same one.

    size: clips a batch; seconds: of a crop, less where a drawn clip is shorter; keys: one of kmtalk.keys.KINDS; pairs:
    frame pairs a clip whose vertices are read, even, or 0; spoken: clip name -> its phonemes.
    """

    def __init__(
        self,
        prepared: Prepared,
        spoken: Mapping[str, tuple[Phoneme, ...]],
        *,
        size: int,
        seconds: float,
        seed: int,
        keys: str = "phonemes",
        pairs: int = 0,
    ) -> None:
        self.prepared, self.spoken = prepared, spoken
        self.size, self.seconds, self.seed, self.keys, self.pairs = size, seconds, seed, keys, pairs
        self.clips = [clip for clip in prepared.clips("train") if clip.seconds and clip.frames > 1]
        if not self.clips:
            raise InputError(f"{prepared.folder} has no training clip with sound and two frames of motion: add some")
        frames = np.array([clip.frames for clip in self.clips], np.float64)
        self.shares = frames / frames.sum()

    def __call__(self, index: int) -> CropBatch:
        """Draw batch number `index`."""
        random = np.random.default_rng((self.seed, index))
        fps = self.prepared.fps
        clips = [self.clips[place] for place in random.choice(len(self.clips), self.size, p=self.shares)]
        frames = max(2, min(round(self.seconds * fps), *(clip.frames for clip in clips)))
        starts = [int(random.integers(clip.frames - frames + 1)) for clip in clips]
        placed = list(zip(clips, starts, strict=True))
        keys = [self._keys(clip, start, frames, random) for clip, start in placed]
        key_tensor, mask = pad_keys(keys)
        picked = np.stack([random.integers(0, len(key) - 1, self.pairs // 2) for key in keys])
        others = random.integers(0, frames - 1, (self.size, self.pairs - self.pairs // 2))
        pairs = np.concatenate([np.stack([key[pick] for key, pick in zip(keys, picked, strict=True)]), others], axis=1)
        samples = round(frames / fps * SAMPLE_RATE)
        weights = [np.array(self.prepared.weights(clip.name)[start : start + frames]) for clip, start in placed]
        return CropBatch(
            audio=torch.from_numpy(np.stack([self._audio(clip, start, samples) for clip, start in placed])),
            labels=torch.from_numpy(np.stack([self._labels(clip, start, samples) for clip, start in placed])),
            motion=torch.from_numpy(np.stack(weights)),
            key_frames=key_tensor,
            key_mask=mask,
            pairs=torch.from_numpy(pairs),
            picked=torch.from_numpy(picked),
            vertices=torch.from_numpy(self._vertices(placed, pairs)),
            subjects=tuple(clip.subject for clip in clips),
            fps=fps,
        )

    def _audio(self, clip: PreparedClip, start: int, samples: int) -> np.ndarray:
        """A part of a clip's sound, with silence where it ends before the motion does."""
        first = round(start / self.prepared.fps * SAMPLE_RATE)
        with soundfile.SoundFile(self.prepared.folder / "audio" / f"{clip.name}.wav") as file:
            file.seek(min(first, file.frames))
            return file.read(samples, dtype="float32", fill_value=0.0)

    def _labels(self, clip: PreparedClip, start: int, samples: int) -> np.ndarray:
        """Phoneme labels of a crop at RATE, by the middles of their frames."""
        count = 2 * -(-samples // (SAMPLE_RATE // FEATURE_RATE))
        phonemes = self.spoken[clip.name]
        middles = start / self.prepared.fps + (np.arange(count) + 0.5) / RATE
        place = np.searchsorted([phoneme.start for phoneme in phonemes], middles, side="right") - 1
        ids = np.array([LABELS.index(phoneme.label) for phoneme in phonemes] + [0])
        inside = (place >= 0) & (middles < np.array([phoneme.end for phoneme in phonemes] + [0.0])[place])
        return np.where(inside, ids[place], 0)

    def _keys(self, clip: PreparedClip, start: int, frames: int, random: np.random.Generator) -> np.ndarray:
        """Key frames of a crop, disturbed as a localiser's are: some a frame off, some missed, some not there."""
        offset = start / self.prepared.fps
        moved = tuple(Phoneme(p.label, p.start - offset, p.end - offset) for p in self.spoken[clip.name])
        at = key_frames(moved, self.prepared.fps, frames)
        if self.keys != "phonemes":
            return spread_keys(self.keys, len(at), frames, random)
        kept = at[random.random(len(at)) > 0.05]
        kept = kept + random.choice([-1, 0, 1], len(kept), p=[0.1, 0.8, 0.1])
        spurious = random.integers(0, frames, random.poisson(0.05 * len(at)))
        return np.unique(np.clip(np.concatenate([kept, spurious, [0, frames - 1]]), 0, frames - 1))

    def _vertices(self, placed: list[tuple[PreparedClip, int]], pairs: np.ndarray) -> np.ndarray:
        """Only the frames asked for leave the disk; the map of a clip is closed again at once."""
        read = np.zeros((*pairs.shape, 2, self.prepared.vertex_count if self.pairs else 0, 3), np.float32)
        for place, (clip, start) in enumerate(placed if self.pairs else []):
            template = self.prepared.template(clip.subject)
            mapped = self.prepared.vertices(clip.name)
            read[place] = (mapped[start + pairs[place][:, None] + np.arange(2)] - template) * 1e3
        return read
