"""The model's stages on NumPy arrays, in chunks, so that a recording of any length fits in memory."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np

from kmtalk.errors import InputError

if TYPE_CHECKING:
    from kmtalk.models.kmtalk import KMTalk

MIN_FPS, MAX_FPS = 20.0, 120.0
_MODEL_RATE = 27.5  # between the 25 and 30 frames a second that the model was trained at


@dataclass(frozen=True)
class Grid:
    """Where the model's frames lie among those of a motion: every `step` frames, and at the last one.

    frames: T of the motion; fps: its frames a second. A place is the number of one of the model's frames.
    """

    frames: int
    fps: float
    step: int

    @property
    def rate(self) -> float:
        """Places a second, near the 25 and 30 that the model was trained at."""
        return self.fps / self.step

    @property
    def last(self) -> int:
        """The last place, that of the motion's last frame, though it may lie a little past it."""
        return math.ceil((self.frames - 1) / self.step)

    def place(self, frames: np.ndarray | int) -> np.ndarray:
        """Return the places nearest to frames, int64; the last frame's is the last place."""
        at = np.asarray(frames)
        return np.where(at == self.frames - 1, self.last, np.rint(at / self.step).astype(np.int64))

    def place_at(self, seconds: float) -> int:
        """Return the place nearest to a time."""
        return int(np.clip(np.rint(seconds * self.rate), 0, self.last))

    def frame(self, places: np.ndarray | int) -> np.ndarray:
        """Return the frames at places."""
        return np.minimum(np.asarray(places) * self.step, self.frames - 1)


def make_grid(frames: int, fps: float) -> Grid:
    """Return the grid of a motion of some frames at fps, which is a whole number of times the model's rate."""
    return Grid(frames, fps, max(1, round(fps / _MODEL_RATE)))


def check_fps(fps: float) -> None:
    """Raise InputError for frame rates that no motion can have."""
    if not isinstance(fps, Real) or not MIN_FPS <= fps <= MAX_FPS:
        raise InputError(f"{fps} frames a second is not possible: choose {MIN_FPS:g} to {MAX_FPS:g}")


def encode(model: KMTalk, audio: np.ndarray, grid: Grid, style: str | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Audio -> features (last place + 1, D) and phoneme log-posteriors (T, 40) at 100 Hz, a minute at a time.

    style: one of the model's subjects, None for their mean.
    """
    import torch

    from kmtalk.models.encoder import FEATURE_RATE

    with _inference(model):
        prepared = model.encoder.prepare(torch.from_numpy(audio)[None].to(model.device))
        hop = model.encoder.hop
        step, reach = 60 * FEATURE_RATE, math.ceil(model.encoder.reach * FEATURE_RATE)
        features, posteriors = [], []
        count = -(-prepared.shape[1] // hop)
        for start in range(0, count, step):
            first, last = max(0, start - reach), min(count, start + step + reach)
            heard = model.encoder(prepared[:, first * hop : last * hop])
            inside = slice(start - first, min(count, start + step) - first)
            features.append(heard.features[:, inside].cpu())
            posteriors.append(heard.log_posteriors[:, 2 * inside.start : 2 * inside.stop].cpu())
        own_style = model.style([style]).cpu()
        at_frames = model.at_frames(torch.cat(features, 1), grid.rate, grid.last + 1, own_style)[0]
    return at_frames.numpy(), torch.cat(posteriors, 1)[0].numpy()


def decode_keys(model: KMTalk, features: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return key motions (N, K) at places, some at a time with the features they can see, in [0, 1] if bounded."""
    import torch

    reach, motions = model.config.key_reach, []
    with _inference(model):
        for part in np.array_split(places, len(places) // 1000 + 1):
            first = max(0, part[0] - reach)
            memory = torch.from_numpy(features[first : part[-1] + reach + 1])[None].to(model.device)
            keys = torch.from_numpy(part - first)[None].to(model.device)
            motions.append(model.decode_keys(memory, keys)[0].cpu())
        return _bounded(model, torch.cat(motions).numpy())


def complete(
    model: KMTalk,
    features: np.ndarray,
    places: np.ndarray,
    key_motions: np.ndarray,
    held: Mapping[int, np.ndarray] | None = None,
) -> np.ndarray:
    """Key motions (N, K) at places -> motion (last place + 1, K), in chunks that overlap so that no seam can show.

    held: row of a key motion -> the (K,) pose that the motion must show there; what the model adds at that key is taken
    back, less and less up to the keys before and after.
    """
    import torch

    from kmtalk.models.layers import between_keys

    step, reach = 2000, model.completion.reach
    weights = []
    with _inference(model):
        keys = torch.from_numpy(np.asarray(places))[None]
        flow, distances = between_keys(keys, torch.from_numpy(np.asarray(key_motions))[None], len(features))
        for start in range(0, len(features), step):
            first, last = max(0, start - reach), min(len(features), start + step + reach)
            parts = (torch.from_numpy(features[first:last])[None], flow[:, first:last], distances[:, first:last])
            motion = model.completion(*(part.to(model.device) for part in parts))[0]
            weights.append(motion[start - first : start - first + step].cpu())
        motion = torch.from_numpy(_bounded(model, torch.cat(weights).numpy()))
        if held:
            missing = torch.zeros(1, len(places), motion.shape[1])
            for row, pose in held.items():
                missing[0, row] = torch.from_numpy(pose) - motion[places[row]]
            motion = motion + between_keys(keys, missing, len(features))[0][0]
        return _bounded(model, motion.numpy())


def upsample(weights: np.ndarray, grid: Grid) -> np.ndarray:
    """Return the motion at every frame, by a monotone curve, so that closures stay closed between places.

    Every place is passed exactly at its frame, the last one at the last frame.
    """
    if grid.step == 1:
        return weights[: grid.frames]
    from scipy.interpolate import PchipInterpolator

    if len(weights) < 2:
        return np.repeat(weights, grid.frames, axis=0)
    curve = PchipInterpolator(grid.frame(np.arange(len(weights))), weights, axis=0)
    # A monotone curve stays within its knots but for rounding, which must not push a weight out of its range.
    return np.clip(curve(np.arange(grid.frames)).astype(np.float32), weights.min(0), weights.max(0))


@contextmanager
def _inference(model: KMTalk) -> Iterator[None]:
    """Run a model without gradients, and one in training without its dropout, which goes on as it was afterwards."""
    import torch

    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        for module in training:
            module.training = True


def _bounded(model: KMTalk, weights: np.ndarray) -> np.ndarray:
    return np.clip(weights, 0, 1) if model.config.bounded else weights
