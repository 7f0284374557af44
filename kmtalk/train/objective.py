"""KMTalk with its losses on crops of a prepared data set: in weights over a basis, or on the vertices themselves."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from kmtalk.data.crops import CropBatch
from kmtalk.face import Face
from kmtalk.models.kmtalk import KMTalk
from kmtalk.models.layers import between_keys
from kmtalk.models.pretrained import freeze
from kmtalk.train.losses import SMALLEST, MotionLoss, edits
from kmtalk.train.settings import PreparedConfig

UNKNOWN_STYLE = 0.1
"""Share of the crops that are learned with the mean of the styles, which is what unknown people get."""


class MotionObjective(nn.Module):
    """KMTalk with its losses on crops; learned: a (K, V, 3) basis in metres to be trained with it, or None."""

    def __init__(self, model: KMTalk, face: Face, config: PreparedConfig, learned: bool) -> None:
        super().__init__()
        self.model, self.config = model, config
        freeze(model.encoder, config.frozen)
        shares = {"lips": config.lips, "all": config.whole} if "lips" in face.regions else {"all": 1.0}
        self.motion_loss = MotionLoss(face, shares)
        self.basis = nn.Parameter(torch.from_numpy(face.flat_basis * 1e3)) if learned else None
        """(K, 3 V) millimetres."""
        self.register_buffer("vertex_share", _vertex_share(face, shares), persistent=False)

    def train(self, mode: bool = True) -> "MotionObjective":
        """Switch to training; an encoder that is kept as it is stays in evaluation mode."""
        super().train(mode)
        if self.config.frozen == "all":
            kept = getattr(self.model.encoder, "backbone", self.model.encoder)
            kept.eval()
        return self

    def forward(self, batch: CropBatch) -> dict[str, Tensor]:
        """Return the named loss terms of one batch, unweighted."""
        model = self.model
        heard = model.encode(batch.audio)
        features = model.at_frames(heard.features, batch.fps, batch.motion.shape[1], self._styles(batch))
        keys = model.decode_keys(features, batch.key_frames)
        low, high = (-0.3, 0.6) if model.config.bounded else (-1.5, 1.5)
        changes = edits(batch.motion, batch.key_mask, self.config.edited, low, high)
        motion = model.complete(features, batch.key_frames, keys + changes)
        changed, _ = between_keys(batch.key_frames, changes, batch.motion.shape[1])
        compare = self._on_weights if self.basis is None else self._on_vertices
        labels = batch.labels[:, : heard.log_posteriors.shape[1]]
        phoneme = functional.cross_entropy(
            heard.log_posteriors[:, : labels.shape[1]].flatten(0, 1),
            labels.flatten(),
            label_smoothing=self.config.smoothing,
        )
        terms = compare(batch, keys, motion - changed)
        if not model.config.key_decoder:  # the ablation's reader learns from the completed motion alone
            terms["key"] = terms["key"] * 0
        return {"phoneme": phoneme, **terms}

    def _styles(self, batch: CropBatch) -> Tensor:
        """The subjects' styles, a tenth of them replaced by the mean, which is what unknown people get."""
        unknown = torch.rand(len(batch.subjects)) < UNKNOWN_STYLE
        known = self.model.config.subjects
        pairs = zip(batch.subjects, unknown.tolist(), strict=True)
        return self.model.style([None if hidden or not known else name for name, hidden in pairs])

    def _on_weights(self, batch: CropBatch, keys: Tensor, motion: Tensor) -> dict[str, Tensor]:
        loss, width = self.motion_loss, batch.motion.shape[2]
        true_keys = batch.motion.gather(1, batch.key_frames[..., None].expand(-1, -1, width))
        error = motion - batch.motion
        return {
            "key": loss.position(keys - true_keys)[batch.key_mask].mean(),
            "motion": loss.position(error).mean(),
            "velocity": loss.position(error.diff(dim=1)).mean(),
            "gap": loss.gap(error).mean(),
        }

    def _on_vertices(self, batch: CropBatch, keys: Tensor, motion: Tensor) -> dict[str, Tensor]:
        """The same losses on the vertices of sampled frames: the key losses on their first half."""
        width = motion.shape[2]
        frames = torch.stack([batch.pairs, batch.pairs + 1], dim=-1)  # (B, P, 2)
        read = motion.gather(1, frames.flatten(1)[..., None].expand(-1, -1, width)).unflatten(1, frames.shape[1:])
        picked = keys.gather(1, batch.picked[..., None].expand(-1, -1, width))
        error = self._moved(read) - batch.vertices
        key_error = self._moved(picked) - batch.vertices[:, : picked.shape[1], 0]
        return {
            "key": self._distance(key_error).mean(),
            "motion": self._distance(error).mean(),
            "velocity": self._distance(error[:, :, 1] - error[:, :, 0]).mean(),
            "gap": motion.new_zeros(()),
        }

    def _moved(self, weights: Tensor) -> Tensor:
        """(..., K) -> (..., V, 3) millimetres from the template, in full precision."""
        with torch.autocast(weights.device.type, enabled=False):
            return (weights.float() @ self.basis).unflatten(-1, (-1, 3))

    def _distance(self, error: Tensor) -> Tensor:
        """(..., V, 3) millimetres -> (...), MotionLoss.position's distance."""
        return ((error.square().sum(-1) @ self.vertex_share) + SMALLEST**2).sqrt()


def _vertex_share(face: Face, shares: Mapping[str, float]) -> Tensor:
    """(V,): what each vertex's squared error counts, as in MotionLoss."""
    total = np.zeros(len(face.template), np.float64)
    for name, share in shares.items():
        region = slice(None) if name == "all" else face.regions[name]
        np.add.at(total, region, share / (len(face.template) if name == "all" else len(face.regions[name])))
    return torch.from_numpy(total.astype(np.float32))
