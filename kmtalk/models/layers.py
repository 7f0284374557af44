"""Small parts the model is made of; all act on (batch, time, channels) tensors and have a limited reach in time."""

import torch
from torch import Tensor, nn
from torch.nn import functional

DILATIONS = (1, 1, 2, 2, 4, 4, 8, 8)


class ConvBlock(nn.Module):
    """Residual block of a dilated convolution over time: (B, C, T) -> (B, C, T)."""

    def __init__(self, width: int, dilation: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.conv = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation, bias=False)
        self.norm = nn.BatchNorm1d(width)
        self.dropout = nn.Dropout(dropout)
        self.mix = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.mix(self.dropout(functional.relu(self.norm(self.conv(x)))))


class ConvStack(nn.Module):
    """A chain of ConvBlocks on (B, T, C); it sees sum(dilations) frames to either side."""

    def __init__(self, width: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(ConvBlock(width, dilation) for dilation in dilations))

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(x.transpose(1, 2)).transpose(1, 2)


class LocalAttention(nn.Module):
    """Attention from some frames to the frames around them, with a learned bias for each distance.

    The cost is linear in the number of queries, so audio of any length works.
    """

    def __init__(self, width: int, heads: int, reach: int) -> None:
        super().__init__()
        self.heads, self.reach = heads, reach
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.bias = nn.Parameter(torch.zeros(heads, 2 * reach + 1))
        self.out = nn.Linear(width, width)

    def forward(self, queries: Tensor, memory: Tensor, centres: Tensor) -> Tensor:
        """queries: (B, N, C) standing at frames centres (B, N) of memory (B, T, C) -> (B, N, C)."""
        batch, count, width = queries.shape
        offsets = torch.arange(-self.reach, self.reach + 1, device=memory.device)
        frames = centres[..., None] + offsets  # (B, N, W)
        outside = (frames < 0) | (frames >= memory.shape[1])
        index = frames.clamp(0, memory.shape[1] - 1).flatten(1)  # (B, N * W)
        key_value = self.key_value(memory)
        near = key_value.gather(1, index[..., None].expand(-1, -1, 2 * width))
        near = near.view(batch, count, len(offsets), 2, self.heads, width // self.heads)
        query = self.query(queries).view(batch, count, self.heads, -1)
        score = torch.einsum("bnhd,bnwhd->bnhw", query, near[:, :, :, 0]) * (width // self.heads) ** -0.5
        score = (score + self.bias).masked_fill(outside[:, :, None], float("-inf"))
        mixed = torch.einsum("bnhw,bnwhd->bnhd", score.softmax(-1), near[:, :, :, 1])
        return self.out(mixed.flatten(2))


def sample(x: Tensor, positions: Tensor) -> Tensor:
    """Read (B, T, C) at fractional frame positions (N,) by linear interpolation, ends held -> (B, N, C)."""
    positions = positions.clamp(0, x.shape[1] - 1)
    below = positions.floor().long().clamp(max=max(x.shape[1] - 2, 0))
    share = (positions - below).to(x.dtype)[:, None]
    above = (below + 1).clamp(max=x.shape[1] - 1)
    return x[:, below] * (1 - share) + x[:, above] * share


def between_keys(key_frames: Tensor, key_motions: Tensor, frames: int) -> tuple[Tensor, Tensor]:
    """Lay key motions on the timeline.

    key_frames: (B, N) increasing, the last may be repeated as padding; key_motions: (B, N, K).
    Returns the motion that runs straight from key to key, (B, frames, K), held before the first and after the last,
    and the distances in frames to the key before and the key after, (B, frames, 2).
    """
    time = torch.arange(frames, device=key_frames.device).expand(len(key_frames), -1).contiguous()
    after = torch.searchsorted(key_frames.contiguous(), time).clamp(max=key_frames.shape[1] - 1)
    before = torch.where(key_frames.gather(1, after) == time, after, (after - 1).clamp(min=0))
    start, end = key_frames.gather(1, before), key_frames.gather(1, after)
    share = ((time - start) / (end - start).clamp(min=1)).clamp(0, 1).to(key_motions.dtype)[..., None]
    width = key_motions.shape[2]
    left = key_motions.gather(1, before[..., None].expand(-1, -1, width))
    right = key_motions.gather(1, after[..., None].expand(-1, -1, width))
    distances = torch.stack([time - start, end - time], dim=-1).to(key_motions.dtype)
    return left * (1 - share) + right * share, distances
