"""The animators that are compared: KMTalk and its ablations, and three of the field's kinds, each with key motions or
without.

The "-like" ones are small re-implementations of ours that keep what makes each kind: they are not the published
models, whose encoders, sizes and training are others. All share KMTalk's mel encoder, its losses and its loop.
"""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

from kmtalk.experiments.codes import CODES, PARTS, MotionCodes
from kmtalk.models.encoder import MelEncoder
from kmtalk.models.kmtalk import FLOW_DILATIONS, KeyMotionDecoder, KMTalk, KMTalkConfig
from kmtalk.models.layers import ConvStack, between_keys

HEADS = 4
_OWN_PAST = 0.7  # share of the training clips in which an autoregressive animator continues its own motion


@dataclass(frozen=True)
class Animated:
    """What an animator makes of B clips: motion (B, T, K), its key motions (B, N, K) or None, its own loss terms."""

    motion: Tensor
    key_motions: Tensor | None = None
    terms: dict[str, Tensor] = field(default_factory=dict)


class Ours(nn.Module):
    """KMTalk, whole or with a part taken away by its config."""

    def __init__(self, config: KMTalkConfig) -> None:
        super().__init__()
        self.model = KMTalk(config)

    @property
    def encoder(self) -> nn.Module:
        """The audio encoder."""
        return self.model.encoder

    def forward(self, features: Tensor, key_frames: Tensor, truth: Tensor | None = None) -> Animated:
        """features (B, T, D), key_frames (B, N) -> what is animated; truth is not looked at."""
        keys = self.model.decode_keys(features, key_frames)
        motion = self.model.complete(features, key_frames, keys)
        return Animated(motion, keys if self.model.config.key_decoder else None)


class KeyScheme(nn.Module):
    """KMTalk's scheme for any animator: key motions from phonemes, and a flow between them that guides the features."""

    def __init__(self, config: KMTalkConfig) -> None:
        super().__init__()
        self.decoder = KeyMotionDecoder(config)
        self.flow_input = nn.Linear(len(config.weight_names) + 2, config.width)
        self.flow = ConvStack(config.width, FLOW_DILATIONS)
        self.gate = nn.Linear(2 * config.width, config.width)

    def forward(self, features: Tensor, key_frames: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the key motions (B, N, K), the motion straight from key to key (B, T, K), and guided features."""
        keys = self.decoder(features, key_frames)
        straight, distances = between_keys(key_frames, keys, features.shape[1])
        moving = self.flow(self.flow_input(torch.cat([straight, torch.tanh(distances / 4)], dim=-1)))
        gate = torch.sigmoid(self.gate(torch.cat([moving, features], dim=-1)))
        return keys, straight, gate * moving + (1 - gate) * features


class Animator(nn.Module):
    """What the three kinds share: the encoder, and KMTalk's scheme if they are to have it."""

    def __init__(self, config: KMTalkConfig, scheme: bool) -> None:
        super().__init__()
        self.encoder = MelEncoder(config.width, config.encoder_blocks, config.mel_bands)
        self.scheme = KeyScheme(config) if scheme else None

    def guide(self, features: Tensor, key_frames: Tensor) -> tuple[Tensor | None, Tensor | float, Tensor]:
        """Return key motions, the motion to complete (0 without the scheme) and the features to do it from."""
        return (None, 0.0, features) if self.scheme is None else self.scheme(features, key_frames)


class SelfTalkLike(Animator):
    """Parallel, as SelfTalk's animator is: a transformer layer whose frames all see each other, then a linear layer.

    Without SelfTalk's second branch, which reads the predicted lips back to text.
    """

    def __init__(self, config: KMTalkConfig, scheme: bool) -> None:
        super().__init__(config, scheme)
        self.layer = nn.TransformerDecoderLayer(config.width, HEADS, 2 * config.width, batch_first=True)
        self.motion = _zeroed(config.width, len(config.weight_names))

    def forward(self, features: Tensor, key_frames: Tensor, truth: Tensor | None = None) -> Animated:
        """features (B, T, D), key_frames (B, N) -> what is animated; truth is not looked at."""
        keys, straight, guided = self.guide(features, key_frames)
        return Animated(straight + self.motion(self.layer(guided, guided)), keys)


class FaceFormerLike(Animator):
    """Autoregressive, as FaceFormer is: each frame continues the motion so far, under the features of its own frame.

    FaceFormer's periodic positions and its attention that fades by whole periods are kept. Its cross-attention sees one
    frame of audio, so it is a linear layer here. FaceFormer trains on its own motion, frame after frame; to train in
    parallel, ours first predicts from the true past and then, in most clips, learns to continue that prediction.
    """

    def __init__(self, config: KMTalkConfig, scheme: bool, period: int = 25) -> None:
        super().__init__(config, scheme)
        width, self.period = config.width, period
        self.past = nn.Linear(len(config.weight_names), width)
        self.attention = nn.MultiheadAttention(width, HEADS, batch_first=True)
        self.sound = nn.Linear(width, width)
        self.feed = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.motion = _zeroed(width, len(config.weight_names))

    def forward(self, features: Tensor, key_frames: Tensor, truth: Tensor | None = None) -> Animated:
        """features (B, T, D), key_frames (B, N) -> what is animated; truth (B, T, K): the past to learn from."""
        keys, straight, guided = self.guide(features, key_frames)
        if truth is None:
            return Animated(self._frame_by_frame(guided, straight), keys)
        with torch.no_grad():
            guess = straight + self._continue(truth, guided)
        own = torch.rand(len(truth), 1, 1, device=truth.device) < _OWN_PAST
        return Animated(straight + self._continue(torch.where(own, guess, truth), guided), keys)

    def _frame_by_frame(self, guided: Tensor, straight: Tensor | float) -> Tensor:
        motion = guided.new_zeros(*guided.shape[:2], self.motion.out_features)
        for frame in range(guided.shape[1]):
            seen = slice(0, frame + 1)
            motion[:, frame] = self._continue(motion[:, seen], guided[:, seen])[:, -1]
            if self.scheme is not None:
                motion[:, frame] += straight[:, frame]
        return motion

    def _continue(self, motion: Tensor, guided: Tensor) -> Tensor:
        """Each frame of (B, T, K) from those before it; the last frame given is not looked at."""
        past = functional.pad(motion, (0, 0, 1, 0))[:, :-1]
        frames = past.shape[1]
        x = self.past(past) + self._positions(frames, past.device)
        faded = self._faded(frames, past.device).repeat(len(past), 1, 1)
        x = self.norms[0](x + self.attention(x, x, x, attn_mask=faded, need_weights=False)[0])
        x = self.norms[1](x + self.sound(guided))
        return self.motion(self.norms[2](x + self.feed(x)))

    def _positions(self, frames: int, device: torch.device) -> Tensor:
        width = self.past.out_features
        rates = torch.exp(torch.arange(0, width, 2, device=device) * (-math.log(1e4) / width))
        angles = (torch.arange(frames, device=device) % self.period)[:, None] * rates
        return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)

    def _faded(self, frames: int, device: torch.device) -> Tensor:
        """(HEADS, T, T): nothing of the future, and the past the less the more periods it lies back."""
        time = torch.arange(frames, device=device)
        back = (time[:, None] - time) // self.period
        slopes = 2.0 ** -torch.arange(1, HEADS + 1, device=device)
        return (-back * slopes[:, None, None]).masked_fill(time[:, None] < time, float("-inf"))


class CodeTalkerLike(Animator):
    """By a code book, as CodeTalker is: it chooses motion codes, which a decoder learned before turns into motion.

    CodeTalker chooses frame after frame; ours chooses all at once, by the layer of the parallel animator. With the
    scheme, the flow guides the choice; the codes are all of the motion, so nothing is added to the flow itself.
    """

    def __init__(self, config: KMTalkConfig, scheme: bool, codes: MotionCodes) -> None:
        super().__init__(config, scheme)
        self.layer = nn.TransformerDecoderLayer(config.width, HEADS, 2 * config.width, batch_first=True)
        self.choice = nn.Linear(config.width, PARTS * CODES)
        self.codes = codes.requires_grad_(False)

    def train(self, mode: bool = True) -> "CodeTalkerLike":
        """Switch to training; the code book stays as it is."""
        super().train(mode)
        self.codes.eval()
        return self

    def forward(self, features: Tensor, key_frames: Tensor, truth: Tensor | None = None) -> Animated:
        """features (B, T, D), key_frames (B, N) -> what is animated; truth (B, T, K): whose codes to learn."""
        keys, _, guided = self.guide(features, key_frames)
        scores = self.choice(self.layer(guided, guided)).unflatten(-1, (PARTS, CODES))
        chosen = functional.one_hot(scores.argmax(-1), CODES).to(scores.dtype)
        if truth is None:
            return Animated(self._motion(chosen), keys)
        soft = scores.softmax(-1)
        wanted = self.codes.nearest(self.codes.encode(truth))
        missed = functional.cross_entropy(scores.flatten(0, 2), wanted.flatten())
        return Animated(self._motion(chosen + soft - soft.detach()), keys, {"codes": missed})

    def _motion(self, chosen: Tensor) -> Tensor:
        return self.codes.decode(torch.einsum("btpc,pcs->btps", chosen, self.codes.book))


def _zeroed(width: int, weights: int) -> nn.Linear:
    """A last layer that begins with the face at rest."""
    layer = nn.Linear(width, weights)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
