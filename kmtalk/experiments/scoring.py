"""How animators are scored on held-out clips."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import nn

from kmtalk.experiments.material import FPS, Utterance
from kmtalk.experiments.placements import Placement, keys_of
from kmtalk.face import Face
from kmtalk.localise import localise
from kmtalk.metrics import WeightMetrics, closed, correlation, errors_at_keys, extrema_recall, key_density
from kmtalk.models.layers import sample

SHUT = 1e-3
"""Metres: lips at p b m come at least as near."""

Scores = dict[str, float]


def features_of(encoder: nn.Module, mel: torch.Tensor, frames: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(B, 2 T', bands) features of sound -> audio features (B, frames, D) at FPS, phoneme log-posteriors (B, 2 T', 40).

    Frames are read at the same times as KMTalk.at_frames reads them.
    """
    told = encoder(mel)
    times = torch.arange(frames, device=mel.device) / FPS
    return sample(told.features, (times - 0.005) * 50), told.log_posteriors


class Judge:
    """Scores motion against held-out utterances; what depends on the truth alone is computed once."""

    def __init__(self, face: Face, utterances: Sequence[Utterance]) -> None:
        self.face, self.utterances, self.metrics = face, utterances, WeightMetrics(face)
        self.true_keys = [utterance.true_keys() for utterance in utterances]
        self.gaps = [face.lip_gap(utterance.motion) for utterance in utterances]
        self.bilabials = [
            [(p.start, p.end) for p in utterance.phonemes() if p.label in ("P", "B", "M")] for utterance in utterances
        ]

    def score(self, motions: Sequence[np.ndarray], keys: Sequence[np.ndarray]) -> Scores:
        """Return the scores of (T, K) motions made from (N,) key frames, one of each for every utterance.

        lve_mm: root of the mean over frames of the largest squared lip distance; lve: the mean itself, square metres;
        fdd, fdd_absolute: mean over clips of the upper face's dynamics deviation, signed and not, square millimetres;
        opening_r: mean over clips of Pearson's r of the lip opening; closure: share of p b m with lips under 1 mm;
        at_mm, between_mm: mean largest lip distance at the true phoneme boundaries and between them;
        density: share of frames that are key frames; recall: share of the true opening's extrema within a frame of one.
        """
        truths = [utterance.motion for utterance in self.utterances]
        squares = [self.metrics.lip_errors(motion, truth) for motion, truth in zip(motions, truths, strict=True)]
        dynamics = [self.metrics.dynamics_deviation(m, truth) * 1e6 for m, truth in zip(motions, truths, strict=True)]
        gaps = [self.face.lip_gap(motion) for motion in motions]
        shut = [closed(gap, FPS, spans, SHUT) for gap, spans in zip(gaps, self.bilabials, strict=True)]
        whole = np.concatenate(squares)
        apart, true = np.sqrt(whole) * 1e3, self._joined()
        at, between = errors_at_keys(apart, true)
        return {
            "lve_mm": float(np.sqrt(whole.mean()) * 1e3),
            "lve": float(whole.mean()),
            "fdd": float(np.mean(dynamics)),
            "fdd_absolute": float(np.mean(np.abs(dynamics))),
            "opening_r": float(np.mean([correlation(*pair) for pair in zip(gaps, self.gaps, strict=True)])),
            "closure": float(np.concatenate(shut).mean()) if sum(map(len, shut)) else float("nan"),
            "at_mm": at,
            "between_mm": between,
            "density": float(np.mean([key_density(k, len(t)) for k, t in zip(keys, truths, strict=True)])),
            "recall": float(np.nanmean([extrema_recall(k, gap) for k, gap in zip(keys, self.gaps, strict=True)])),
        }

    def _joined(self) -> np.ndarray:
        """The true key frames as places in the frames of all clips together."""
        starts = np.cumsum([0, *(len(utterance.motion) for utterance in self.utterances[:-1])])
        return np.concatenate([keys + start for keys, start in zip(self.true_keys, starts, strict=True)])

    @torch.inference_mode()
    def trial(self, animator: nn.Module, kind: str, placements: Mapping[str, Placement]) -> dict[str, Scores]:
        """Return the scores of an animator under each placement of its key frames, and how well it hears phonemes.

        kind: where the animator's key frames are, one of kmtalk.keys.KINDS or CENTRES.
        """
        made: dict[str, list] = {name: [] for name in placements}
        right = total = 0
        for number, (utterance, true) in enumerate(zip(self.utterances, self.true_keys, strict=True)):
            frames = len(utterance.motion)
            features, posteriors = features_of(animator.encoder, torch.from_numpy(utterance.mel)[None], frames)
            known = posteriors[0].numpy()
            right, total = right + int((known.argmax(1) == utterance.labels).sum()), total + len(known)
            found = keys_of(kind, localise(known), FPS, frames, np.random.default_rng(number))
            for name, place in placements.items():
                keys = place(found, true, frames, np.random.default_rng(number))
                motion = animator(features, torch.from_numpy(keys)[None]).motion[0].numpy()
                made[name].append((np.clip(motion, 0, 1), keys))
        return {
            name: {**self.score(*zip(*pairs, strict=True)), "phoneme_accuracy": right / total}
            for name, pairs in made.items()
        }

    def limits(self) -> dict[str, Scores]:
        """Return the scores of a face that never moves and of the truth itself, between which all others should lie."""
        truths = [utterance.motion for utterance in self.utterances]
        still = [np.zeros_like(truth) for truth in truths]
        return {"still": self.score(still, self.true_keys), "truth": self.score(truths, self.true_keys)}
