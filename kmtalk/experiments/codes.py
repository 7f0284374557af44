"""A code book of motion: the first stage of the CodeTalker-like animator, learned from motion alone."""

import torch
from torch import Tensor, nn

from kmtalk.data.batches import Batch
from kmtalk.train.losses import MotionLoss

PARTS, CODES, SIZE = 8, 64, 4
"""Each frame is PARTS codes, one from each of as many books of CODES vectors of SIZE numbers."""

_DILATIONS = (1, 2)
_COMMITMENT = 0.25


class MotionBlocks(nn.Module):
    """Residual convolutions over time, (B, T, C) -> (B, T, C), without the noise of dropout and batch norm: books of
    codes learn to be exact."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv1d(width, width, 3, padding=near, dilation=near), nn.GELU(), nn.Conv1d(width, width, 1)
            )
            for near in _DILATIONS
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x.transpose(1, 2)
        for block in self.blocks:
            x = x + block(x)
        return x.transpose(1, 2)


class MotionCodes(nn.Module):
    """Motion (B, T, K) as codes and back: convolutions, a product of code books, convolutions."""

    def __init__(self, weights: int, width: int) -> None:
        super().__init__()
        self.into = nn.Sequential(nn.Linear(weights, width), MotionBlocks(width))
        self.inner = nn.Linear(width, PARTS * SIZE)
        self.book = nn.Parameter(torch.randn(PARTS, CODES, SIZE))
        self.outer = nn.Sequential(nn.Linear(PARTS * SIZE, width), MotionBlocks(width))
        self.motion = nn.Linear(width, weights)

    def encode(self, motion: Tensor) -> Tensor:
        """(B, T, K) -> (B, T, PARTS, SIZE), not yet codes; bounded, or it would run away from the book."""
        return self.inner(self.into(motion)).tanh().unflatten(-1, (PARTS, SIZE))

    def nearest(self, encoded: Tensor) -> Tensor:
        """(B, T, PARTS, SIZE) -> (B, T, PARTS) int64, the nearest code of each book."""
        apart = torch.cdist(encoded.flatten(0, 1).transpose(0, 1), self.book)  # (PARTS, B T, CODES)
        return apart.argmin(-1).transpose(0, 1).unflatten(0, encoded.shape[:2])

    def read(self, codes: Tensor) -> Tensor:
        """(B, T, PARTS) int64 -> (B, T, PARTS, SIZE), the codes' vectors."""
        return self.book[torch.arange(PARTS, device=codes.device), codes]

    def decode(self, vectors: Tensor) -> Tensor:
        """(B, T, PARTS, SIZE) -> motion (B, T, K)."""
        return self.motion(self.outer(vectors.flatten(2)))


class CodesObjective(nn.Module):
    """The code book with its losses; warm: steps without quantisation, after which the book is drawn from encodings.

    A book that is there from the start collapses to a few codes.
    """

    def __init__(self, codes: MotionCodes, motion_loss: MotionLoss, held: float, warm: int) -> None:
        super().__init__()
        self.codes, self.motion_loss, self.held, self.warm = codes, motion_loss, held, warm
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Return the named loss terms of one batch, unweighted."""
        encoded = self.codes.encode(batch.motion)
        self.seen += 1
        if self.seen == self.warm:
            self._fill(encoded)
        vectors, pull = encoded, encoded.new_zeros(())
        if self.seen >= self.warm:
            chosen = self.codes.read(self.codes.nearest(encoded))
            pull = (chosen - encoded.detach()).square().mean()
            pull = pull + _COMMITMENT * (chosen.detach() - encoded).square().mean()
            vectors = encoded + (chosen - encoded).detach()  # the gradient passes straight through
        error = self.codes.decode(vectors) - batch.motion
        weight = 1 + self.held * self.motion_loss.held(batch.motion)
        return {
            "motion": (weight * self.motion_loss.position(error)).mean(),
            "velocity": self.motion_loss.position(error.diff(dim=1)).mean(),
            "gap": (weight * self.motion_loss.gap(error)).mean(),
            "codes": pull,
        }

    @torch.no_grad()
    def _fill(self, encoded: Tensor) -> None:
        frames = encoded.flatten(0, 1)
        drawn = torch.randint(len(frames), (CODES,))
        self.codes.book.copy_(frames[drawn].transpose(0, 1))
