"""Losses on motion, and the edits by which training teaches the completion to obey a hand."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from kmtalk.face import Face

SMALLEST = 0.05
"""Millimetres under which an error counts no less, so that the losses are smooth."""
SHARES = {"lips": 1.0, "lower_face": 0.25, "tongue": 0.25}
HELD_SHAPES = {"mouthRollUpper": 0.14, "mouthRollLower": 0.52}


class MotionLoss(nn.Module):
    """Vertex-space losses at the price of weight-space ones: dw G dw^T, factored once as |dw A|^2.

    shares: region -> share; G sums the mean squared millimetres of each region's vertices ("all" is every vertex), so
    many times. held: basis name -> the weight at which lips are firmly held together or against the teeth.
    """

    def __init__(
        self, face: Face, shares: Mapping[str, float] = SHARES, held: Mapping[str, float] | None = None
    ) -> None:
        super().__init__()
        held = {} if held is None else held
        gram = sum(share * _mean_gram(face, name) for name, share in shares.items()) * 1e6
        values, vectors = np.linalg.eigh(gram)
        factor = vectors * np.sqrt(np.maximum(values, 0))
        parts = {"lip_inner_upper", "lip_inner_lower"} <= set(face.landmarks)
        row = face.lip_row() * 1e3 if parts else np.zeros(len(face.basis_names))
        self.knows_gap = parts
        self.held_shapes = [face.basis_names.index(name) for name in held]
        tensors = {"factor": factor, "gap_row": row, "firmness": np.array(list(held.values()))}
        for name, array in tensors.items():
            self.register_buffer(name, torch.from_numpy(array.astype(np.float32)), persistent=False)

    def position(self, error: Tensor) -> Tensor:
        """(..., K) weight errors -> (...) millimetres.

        Distances, not their squares: where the model is unsure, the best guess of squares is the mean of what may
        be, half-open lips; that of distances is the likeliest of them.
        """
        with torch.autocast(error.device.type, enabled=False):
            return ((error.float() @ self.factor).square().sum(-1) + SMALLEST**2).sqrt()

    def held(self, motion: Tensor) -> Tensor:
        """(..., K) true weights -> (...) in [0, 1], how firmly the lips are held against each other or the teeth."""
        if not self.held_shapes:
            return torch.zeros_like(motion[..., 0])
        return (motion[..., self.held_shapes] / self.firmness).amax(-1).clamp(0, 1)

    def gap(self, error: Tensor) -> Tensor:
        """(..., K) weight errors -> (...) millimetres of the opening between the lips."""
        with torch.autocast(error.device.type, enabled=False):
            return ((error.float() @ self.gap_row).square() + SMALLEST**2).sqrt()


def _mean_gram(face: Face, region: str) -> np.ndarray:
    """(K, K), with dw G dw^T the mean squared distance of a region's vertices in square metres."""
    if region == "all":
        return face.gram() / len(face.template)
    return face.gram(region) / len(face.regions[region])


def edits(motion: Tensor, key_mask: Tensor, share: float, low: float, high: float) -> Tensor:
    """What a hand might change: (B, N, K) offsets of some key motions, in a few of the weights that move, mostly 0.

    motion: (B, T, K) true weights; key_mask: (B, N), False on padding; share: of the clips that are edited; low, high:
    the offsets' range. The completion must follow them, so that edited key motions are obeyed, not smoothed away.
    """
    moving = (motion != 0).any(dim=1, keepdim=True)  # (B, 1, K)
    shape = (*key_mask.shape, motion.shape[2])
    clips, keys, weights = (
        torch.rand(*sizes, device=motion.device) < chance
        for sizes, chance in (((shape[0], 1, 1), share), ((*shape[:2], 1), 0.15), ((shape[0], 1, shape[2]), 0.15))
    )
    offsets = torch.empty(shape, device=motion.device).uniform_(low, high)
    return offsets * (clips & keys & weights & moving & key_mask[..., None])
