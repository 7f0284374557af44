"""How every animator is trained: KMTalk's losses and loop, the same batches, the same number of steps."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from kmtalk.data.batches import Batch
from kmtalk.experiments.codes import CodesObjective, MotionCodes
from kmtalk.experiments.material import Crops, Material
from kmtalk.experiments.scoring import features_of
from kmtalk.face import Face
from kmtalk.train.corpus import TrainConfig, phoneme_loss
from kmtalk.train.loop import Work, fit
from kmtalk.train.losses import HELD_SHAPES, SHARES, MotionLoss

TERMS = ("phoneme", "key", "motion", "velocity", "gap")
CODES_WEIGHT = 0.5
"""Of the cross entropy of the motion codes, in nats."""


@dataclass(frozen=True)
class Schooling:
    """What all trainings share. batch: clips of 3 s; code_steps: of the code book, on motion alone."""

    steps: int
    code_steps: int
    batch: int
    learning_rate: float = 3e-3

    def config(self, steps: int, seed: int) -> TrainConfig:
        """Return the loop's settings; no key motion is changed as if by hand, which the paper does not do."""
        return TrainConfig(
            steps=steps,
            learning_rate=self.learning_rate,
            warmup=max(1, steps // 10),
            average=0.99,
            report_steps=max(1, -(-steps // 4)),
            batch=self.batch,
            edited=0.0,
            seed=seed,
        )


class AnimatorObjective(nn.Module):
    """An animator with the losses of one batch; every encoder learns phonemes, used or not."""

    def __init__(self, animator: nn.Module, motion_loss: MotionLoss, config: TrainConfig) -> None:
        super().__init__()
        self.animator, self.motion_loss, self.config = animator, motion_loss, config

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Return the named loss terms of one batch, unweighted; 0 where an animator has no such term."""
        features, log_posteriors = features_of(self.animator.encoder, batch.mel, batch.motion.shape[1])
        made = self.animator(features, batch.key_frames, batch.motion)
        loss, error, none = self.motion_loss, made.motion - batch.motion, batch.motion.new_zeros(())
        weight = 1 + self.config.held * loss.held(batch.motion)
        return {
            "phoneme": phoneme_loss(log_posteriors, batch.labels, self.config),
            "key": none if made.key_motions is None else self._key_loss(made.key_motions, batch),
            "motion": (weight * loss.position(error)).mean(),
            "velocity": loss.position(error.diff(dim=1)).mean(),
            "gap": (weight * loss.gap(error)).mean(),
            "codes": made.terms.get("codes", none),
        }

    def _key_loss(self, keys: Tensor, batch: Batch) -> Tensor:
        true = batch.motion.gather(1, batch.key_frames[..., None].expand(-1, -1, batch.motion.shape[2]))
        weight = 1 + self.config.held * self.motion_loss.held(true)[batch.key_mask]
        return (weight * self.motion_loss.position(keys - true)[batch.key_mask]).mean()


def train_animator(
    animator: nn.Module, keys: str, material: Material, face: Face, schooling: Schooling, seed: int, out: Path
) -> nn.Module:
    """Train an animator whose key frames are of a kind and return its running mean; a stopped run in `out` goes on."""
    config = schooling.config(schooling.steps, seed)
    objective = AnimatorObjective(animator, MotionLoss(face, SHARES, HELD_SHAPES), config)
    weights = {name: getattr(config, f"{name}_weight") for name in TERMS} | {"codes": CODES_WEIGHT}
    work = _work(objective, weights, Crops(material.train, schooling.batch, seed, keys))
    return fit(work, out, config).animator.eval()


def train_codes(width: int, material: Material, face: Face, schooling: Schooling, seed: int, out: Path) -> MotionCodes:
    """Train the code book of a seed, or open it in `out` where that is done, and return it."""
    torch.manual_seed(seed)
    config = replace(schooling.config(schooling.code_steps, seed), weight_decay=0.0)
    codes = MotionCodes(len(face.basis_names), width)
    loss = MotionLoss(face, SHARES, HELD_SHAPES)
    objective = CodesObjective(codes, loss, config.held, max(1, schooling.code_steps // 2))
    weights = {"motion": 0.5, "velocity": 0.5, "gap": 0.5, "codes": 1.0}
    return fit(_work(objective, weights, Crops(material.train, schooling.batch, seed)), out, config).codes.eval()


def _work(objective: nn.Module, weights: dict[str, float], batch: Crops) -> Work:
    return Work(
        objective=objective,
        weights=weights,
        batch=batch,
        measure=lambda average, step: {},
        save=lambda average, folder: None,  # the scores are what is kept; state.pt lets a stopped run go on
    )
