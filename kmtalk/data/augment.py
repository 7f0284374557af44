"""Augmentation of training speech on power spectra: what rooms, lines, noise and other people do to it."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from kmtalk.models.encoder import mel_filters

_WARPS = [round(0.62 + 0.02 * step, 2) for step in range(51)]

AUGMENTATIONS = ("speed", "warp", "effort", "jitter", "room", "noise", "babble", "equaliser", "telephone", "mask")
"""What is done to training speech: the first three change the voice, the next two its sound, then come others' sounds,
the line, and blanked bands and frames."""


@dataclass
class Augmenter:
    """Draws every change from one generator, so that a seed fixes them; bands: mel bands; without: left out ones."""

    generator: torch.Generator
    bands: int = 80
    without: tuple[str, ...] = ()
    filters: Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.filters = torch.stack([mel_filters(self.bands, warp) for warp in _WARPS])

    def warp(self, power: Tensor, warps: list[float]) -> Tensor:
        """(B, T, BINS) power -> (B, T, bands) mel power, each clip through its own vocal-tract warp."""
        index = [min(range(len(_WARPS)), key=lambda i, warp=warp: abs(_WARPS[i] - warp)) for warp in warps]
        return torch.bmm(power, self.filters[index])

    def __call__(self, mel: Tensor) -> Tensor:
        """(B, T, bands) mel power -> the same through jitter, room, line, noise and babble."""
        # The floor stands for clips in which nothing is said: they become noise as loud as quiet speech.
        level = mel.mean((1, 2), keepdim=True).clamp(min=1e-3)
        for change in (self._jitter, self._room):
            mel = change(mel) if self._wants(change) else mel
        mel = mel + level * 1e-5 * torch.exp(self._normal(len(mel), 1, 1) * 1.5)
        for sound in (self._noise, self._babble):
            mel = sound(mel, level) if self._wants(sound) else mel
        for line in (self._equaliser, self._telephone):
            mel = line(mel) if self._wants(line) else mel
        return mel

    def mask(self, features: Tensor) -> Tensor:
        """Blank one short stretch of bands and one of frames of (B, T, bands) normalised features."""
        if not self._wants(self.mask):
            return features
        for axis, widest in ((2, 8), (1, 8)):
            size = features.shape[axis]
            width = self._uniform(len(features), 1) * widest
            start = self._uniform(len(features), 1) * (size - widest)
            place = torch.arange(size)[None]
            inside = (place >= start) & (place < start + width)
            features = features.masked_fill(inside[:, None, :] if axis == 2 else inside[:, :, None], 0.0)
        return features

    def _jitter(self, mel: Tensor) -> Tensor:
        """Break the too clean spectra of synthesisers: grain, and slow drifts of formant strength."""
        count, frames, bands = mel.shape
        grain = self._normal(*mel.shape) * self._uniform(count, 1, 1) * 0.5 * self._chance(count, 0.5)
        drift = self._normal(count, 1, frames // 20 + 2, 8)
        drift = functional.interpolate(drift, size=(frames, bands), mode="bilinear", align_corners=True)[:, 0]
        return mel * torch.exp(grain + drift * self._uniform(count, 1, 1) * 0.6 * self._chance(count, 0.6))

    def _room(self, mel: Tensor) -> Tensor:
        """Smear the power over time by an exponential decay, RT60 0.08 to 0.63 s."""
        count, frames, bands = mel.shape
        decay = torch.exp(-0.069 * torch.arange(1, 41)[None] / (self._uniform(count, 1) * 0.55 + 0.08))
        direct = 10 ** (self._uniform(count, 1) * 1.6 - 0.4)
        kernel = decay / decay.sum(1, keepdim=True) / direct * self._chance(count, 0.4)[:, 0]
        rows = functional.pad(mel.transpose(1, 2), (40, 0)).reshape(1, count * bands, frames + 40)
        kernels = kernel.flip(-1).repeat_interleave(bands, dim=0)[:, None]
        tail = functional.conv1d(rows, kernels, groups=count * bands)[..., :frames].reshape(count, bands, frames)
        return mel + tail.transpose(1, 2) * torch.exp(self._normal(*mel.shape) * 0.5)

    def _noise(self, mel: Tensor, level: Tensor) -> Tensor:
        """Steady noise of a random colour, 4 to 46 dB under the speech."""
        count, _, bands = mel.shape
        colour = torch.cumsum(self._normal(count, 1, bands) * 0.25, -1)
        tilt = torch.linspace(1, -1, bands) * self._normal(count, 1, 1)
        colour = torch.exp(colour - colour.mean(-1, keepdim=True) + tilt)
        colour = colour / colour.mean((1, 2), keepdim=True)
        ratio = 10 ** ((self._uniform(count, 1, 1) * 42 + 4) / 10)
        grain = -0.5 * (torch.log(self._uniform(*mel.shape) + 1e-6) + torch.log(self._uniform(*mel.shape) + 1e-6))
        return mel + self._chance(count, 0.6) * level / ratio * colour * grain

    def _babble(self, mel: Tensor, level: Tensor) -> Tensor:
        """One to six other speakers of the batch, 3 to 26 dB under; alone, without the first, they would be speech."""
        loud = mel / (mel.mean((1, 2), keepdim=True) + 1e-9)
        crowd = torch.randint(1, 7, (len(mel), 1, 1), generator=self.generator)
        other = sum(loud.roll(step, 0) * (crowd >= step) for step in range(1, min(7, max(2, len(mel))))) / crowd
        ratio = 10 ** ((self._uniform(len(mel), 1, 1) * 23 + 3) / 10)
        return mel + self._chance(len(mel), 0.5) * (level > 1e-3) * other * level / ratio

    def _equaliser(self, mel: Tensor) -> Tensor:
        """Microphone: a smooth equaliser, a cut of the highs or lows."""
        count, _, bands = mel.shape
        place = torch.linspace(0, 1, bands)
        waves = torch.stack([torch.cos(math.pi * (k + 1) * place) for k in range(5)])
        amounts = self._normal(count, 1, 5) * torch.tensor([1.5, 1.2, 1.0, 0.8, 0.6])
        gain = (amounts @ waves * 0.7).clamp(-4, 4) * self._chance(count, 0.7)
        cut_high = (place > self._uniform(count, 1, 1) * 0.35 + 0.62) * self._uniform(count, 1, 1) * 9
        cut_low = (place < self._uniform(count, 1, 1) * 0.1) * 6.0
        return mel * torch.exp(gain - cut_high * self._chance(count, 0.2) - cut_low * self._chance(count, 0.15))

    def _telephone(self, mel: Tensor) -> Tensor:
        """The telephone's band, about 300 to 3400 Hz."""
        count, _, bands = mel.shape
        place = torch.linspace(0, 1, bands)
        phone = ((place < 0.13) | (place > 0.72)) * (5 + 13 * self._uniform(count, 1, 1))
        return mel * torch.exp(-phone * self._chance(count, 0.15))

    def _wants(self, change: Callable) -> bool:
        return change.__name__.lstrip("_") not in self.without

    def _uniform(self, *shape: int) -> Tensor:
        return torch.rand(*shape, generator=self.generator)

    def _normal(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self.generator)

    def _chance(self, count: int, probability: float) -> Tensor:
        return (self._uniform(count, 1, 1) < probability).float()
