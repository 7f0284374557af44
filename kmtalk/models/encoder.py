"""Audio encoders: waveform -> audio features, and phoneme posteriors.

Every encoder gives features at FEATURE_RATE and phoneme log-posteriors at RATE. The mel encoder is ours and
small; wav2vec 2.0 and HuBERT come through transformers.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from kmtalk.audio import SAMPLE_RATE
from kmtalk.models.layers import DILATIONS, ConvStack
from kmtalk.phonemes import LABELS, RATE

FEATURE_RATE = 50
HOP = SAMPLE_RATE // RATE
WINDOW = 400
SPECTRUM = 512
BINS = SPECTRUM // 2 + 1


@dataclass(frozen=True)
class Heard:
    """What an encoder makes of speech.

    features: (B, T, D) at FEATURE_RATE, feature j centred at j / FEATURE_RATE + 5 ms;
    log_posteriors: (B, 2 T, 40) over phonemes.LABELS at RATE, frame i covering i / RATE and 10 ms on.
    """

    features: Tensor
    log_posteriors: Tensor


def power_spectrum(audio: Tensor) -> Tensor:
    """Return (B, S // HOP, BINS) power of (B, S) audio; frame i is centred 5 ms after i / RATE."""
    count = audio.shape[1] // HOP
    left = (WINDOW - HOP) // 2
    frames = functional.pad(audio, (left, WINDOW)).unfold(1, WINDOW, HOP)[:, :count]
    frames = (frames - frames.mean(-1, keepdim=True)) * torch.hann_window(WINDOW, device=audio.device)
    return torch.fft.rfft(frames, SPECTRUM).abs().square()


def mel_power(audio: Tensor, bands: int) -> Tensor:
    """Return (B, S // HOP, bands) mel power of (B, S) audio, a minute at a time: an hour of spectra is gigabytes."""
    filters = mel_filters(bands).to(audio.device)
    step, margin = 60 * RATE, 4
    count = audio.shape[1] // HOP
    mels = []
    for start in range(0, count, step):
        first = max(0, start - margin)
        piece = audio[:, first * HOP : (start + step + margin) * HOP]
        mels.append((power_spectrum(piece) @ filters)[:, start - first : start - first + min(step, count - start)])
    return torch.cat(mels, dim=1)


@lru_cache(maxsize=64)
def mel_filters(bands: int = 80, warp: float = 1.0, low: float = 40.0, high: float = 7600.0) -> Tensor:
    """Return the (BINS, bands) triangular mel filters, each summing to 1.

    warp: vocal-tract warp; above 1 the filters lie higher, so that formants fall into lower bands, as a longer throat's
    would (piecewise linear with its knee at 4.8 kHz).
    """
    nyquist, knee = SAMPLE_RATE / 2, 4800.0
    mels = np.linspace(2595 * np.log10(1 + low / 700), 2595 * np.log10(1 + high / 700), bands + 2)
    edges = 700 * (10 ** (mels / 2595) - 1)
    corner = knee * min(warp, 1.0) / warp
    upper = nyquist - (nyquist - corner * warp) / (nyquist - corner) * (nyquist - edges)
    edges = np.where(edges <= corner, edges * warp, upper)
    hertz = np.linspace(0, nyquist, BINS)[:, None]
    rise = (hertz - edges[:-2]) / np.maximum(edges[1:-1] - edges[:-2], 1e-3)
    fall = (edges[2:] - hertz) / np.maximum(edges[2:] - edges[1:-1], 1e-3)
    # Low bands are narrower than a bin: let them read the bins nearest to their centre.
    nearest = np.maximum(0, 1 - np.abs(hertz - edges[1:-1]) / (nyquist / (BINS - 1)))
    filters = np.maximum(0, np.minimum(rise, fall))
    filters = np.where(filters.sum(axis=0) < 0.5, nearest, filters)
    return torch.from_numpy((filters / filters.sum(axis=0)).astype(np.float32))


def normalise(mel: Tensor) -> Tensor:
    """Return log-mel features that do not depend on the recording's level or channel.

    mel: (B, T, bands) power of a whole recording. The floor lies 60 dB under the loud frames, the mean of the frames
    that hold sound is mostly taken away from each band.
    """
    log = torch.log(mel + 1e-10)
    peak = log.amax(-1)  # (B, T)
    level = torch.quantile(peak[:, :: max(1, peak.shape[1] // 100_000)], 0.98, dim=1)[:, None, None]
    log = torch.maximum(log, level - 13.8)
    sounding = (peak[..., None] > level - 8.0).to(log.dtype)
    mean = (log * sounding).sum(1, keepdim=True) / sounding.sum(1, keepdim=True).clamp(min=1)
    return (log - 0.7 * mean - 0.3 * (level - 6)) / 3


class MelEncoder(nn.Module):
    """Log-mel spectrum -> strided and dilated convolutions -> features, from scratch."""

    def __init__(self, width: int, blocks: int, bands: int = 80) -> None:
        super().__init__()
        self.bands = bands
        self.hop = RATE // FEATURE_RATE
        """Prepared frames a feature."""
        self.input = nn.Conv1d(bands, width, 5, stride=2, padding=2)
        self.input_norm = nn.BatchNorm1d(width)
        self.stack = ConvStack(width, DILATIONS[:blocks])
        self.norm = nn.BatchNorm1d(width)
        self.phonemes = nn.Linear(width, 2 * len(LABELS))
        self.reach = 2 * (2 + 2 * sum(DILATIONS[:blocks])) / RATE
        """Seconds of sound to either side that one feature can depend on (an upper bound)."""

    def prepare(self, audio: Tensor) -> Tensor:
        """(B, S) audio of a whole recording -> (B, T, bands) normalised log-mel at RATE, T even."""
        mel = normalise(mel_power(audio, self.bands))
        return functional.pad(mel, (0, 0, 0, mel.shape[1] % 2))

    def forward(self, mel: Tensor) -> Heard:
        """Normalised log-mel (B, 2 T, bands) -> Heard with T features."""
        hidden = functional.relu(self.input_norm(self.input(mel.transpose(1, 2))))
        hidden = self.stack(hidden.transpose(1, 2))
        features = functional.relu(self.norm(hidden.transpose(1, 2))).transpose(1, 2)
        logits = self.phonemes(features).unflatten(-1, (2, len(LABELS))).flatten(1, 2)
        return Heard(features, logits.log_softmax(-1))


class PretrainedEncoder(nn.Module):
    """wav2vec 2.0 or HuBERT (transformers) with a projection to our width and a phoneme head.

    config: the transformers config as a dict, so that nothing is downloaded when a checkpoint is loaded.
    """

    def __init__(self, kind: str, config: dict, width: int) -> None:
        super().__init__()
        from transformers import HubertConfig, HubertModel, Wav2Vec2Config, Wav2Vec2Model

        kinds = {"wav2vec2": (Wav2Vec2Config, Wav2Vec2Model), "hubert": (HubertConfig, HubertModel)}
        config_class, model_class = kinds[kind]
        # Masking and layer drop are meant for pre-training; with short clips masking wipes out whole phonemes.
        self.backbone = model_class(config_class(**{**config, "apply_spec_augment": False, "layerdrop": 0.0}))
        if hasattr(self.backbone, "masked_spec_embed"):
            self.backbone.masked_spec_embed.requires_grad_(False)  # nothing is masked, so nothing would train it
        self.project = nn.Linear(self.backbone.config.hidden_size, width)
        self.phonemes = nn.Linear(width, 2 * len(LABELS))
        self.hop = SAMPLE_RATE // FEATURE_RATE
        self.reach = 4.0

    def prepare(self, audio: Tensor) -> Tensor:
        """(B, S) audio of a whole recording -> the same with zero mean and unit variance, as pre-trained."""
        mean, deviation = audio.mean(1, keepdim=True), audio.std(1, keepdim=True)
        return (audio - mean) / (deviation + 1e-7)

    def forward(self, audio: Tensor) -> Heard:
        """Prepared audio (B, S) -> Heard with ceil(S / 320) features."""
        frames = -(-audio.shape[1] // (SAMPLE_RATE // FEATURE_RATE))
        # The convolutions eat 25 ms; padded so, what they see is centred as a mel frame's window is.
        left = (WINDOW - HOP) // 2
        padded = functional.pad(audio, (left, WINDOW - left))
        features = functional.relu(self.project(self.backbone(padded).last_hidden_state[:, :frames]))
        logits = self.phonemes(features).unflatten(-1, (2, len(LABELS))).flatten(1, 2)
        return Heard(features, logits.log_softmax(-1))
