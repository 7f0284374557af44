"""KMTalk: key motions at the phoneme boundaries, then completion to every frame under audio guidance.

The stages and their names are the paper's (arXiv 2409.01113); its equations and sizes were never published as code,
so every size, loss and detail of the layers here is our own choice. The parts that the paper's ablation takes away can
be taken away here too, by the config: keys, key_decoder and audio_guidance.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from kmtalk.errors import InputError
from kmtalk.face import Face
from kmtalk.keys import KINDS
from kmtalk.models.checkpoint import Checkpoint
from kmtalk.models.encoder import FEATURE_RATE, Heard, MelEncoder, PretrainedEncoder
from kmtalk.models.layers import DILATIONS, ConvStack, LocalAttention, between_keys, sample

ENCODERS = ("mel", "wav2vec2", "hubert")
BASES = ("rig", "pca", "learned")
FLOW_DILATIONS = (1, 1)
COMPLETION_DILATIONS = (1, 2, 4, 1)


_LARGEST = {
    "width": 2048,
    "encoder_blocks": len(DILATIONS),
    "mel_bands": 160,
    "key_layers": 16,
    "key_heads": 64,
    "key_reach": 250,
}
"""Sizes up to which a config.json from elsewhere cannot fill the memory of whoever opens it."""


@dataclass(frozen=True)
class KMTalkConfig:
    """Everything needed to rebuild a KMTalk module; saved as config.json beside the weights.

    weight_names: the basis names, whose number is K; encoder: mel, wav2vec2 or hubert; encoder_config: the
    transformers config of the latter two; width: channels D of all features; encoder_blocks: depth of the mel
    encoder; key_layers, key_heads, key_reach: the key-motion decoder's depth, heads and frames seen to either side.
    basis: what the weights move, the rig of the shipped heads, or a face that the checkpoint brings along, whose basis
    was fitted to motion (pca) or trained with the model (learned); bounded: whether weights lie in [0, 1], as a rig's
    do; subjects: the people whose styles the model knows, none for a model of one style.
    The ablation of the paper's table 3, each a model trained and used without one part: keys: "phonemes", or
    "uniform" or "random" key frames of the same number (without phoneme localization); key_decoder: False reads the key
    motions off the features of the key frames by one linear layer, without a loss of their own (without the key-motion
    decoder); audio_guidance: False completes the motion from the key motions alone.
    Raises InputError for values that no model can be built from.
    """

    weight_names: tuple[str, ...]
    encoder: str = "mel"
    encoder_config: dict = field(default_factory=dict)
    width: int = 192
    encoder_blocks: int = 8
    mel_bands: int = 80
    key_layers: int = 2
    key_heads: int = 4
    key_reach: int = 10
    basis: str = "rig"
    bounded: bool = True
    subjects: tuple[str, ...] = ()
    keys: str = "phonemes"
    key_decoder: bool = True
    audio_guidance: bool = True
    format_version: int = 1

    def __post_init__(self) -> None:
        for name, largest in _LARGEST.items():
            size = getattr(self, name)
            if type(size) is not int or not 1 <= size <= largest:
                raise InputError(f"{name} is {size!r}: it must be a whole number from 1 to {largest}")
        names = self.weight_names
        if not isinstance(names, tuple) or not names or not all(isinstance(name, str) for name in names):
            raise InputError(f"weight_names is {names!r}: it must be a tuple of one or more names")
        for name, known in (("encoder", ENCODERS), ("basis", BASES), ("keys", KINDS)):
            if getattr(self, name) not in known:
                raise InputError(f"{name} is {getattr(self, name)!r}: choose one of {', '.join(known)}")
        for name in ("bounded", "key_decoder", "audio_guidance"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(f"{name} is {getattr(self, name)!r}: it must be true or false")
        people = self.subjects
        if not isinstance(people, tuple) or not all(isinstance(name, str) for name in people):
            raise InputError(f"subjects is {people!r}: it must be a tuple of names")
        if not isinstance(self.encoder_config, dict):
            raise InputError(f"encoder_config is {self.encoder_config!r}: it must be a dict")
        if self.width % self.key_heads:
            raise InputError(
                f"width {self.width} cannot be shared out among {self.key_heads} key_heads: choose a multiple"
            )


class KeyMotionDecoder(nn.Module):
    """LKMA, key motion-focused decoder: features at the key frames attend to the features around them."""

    def __init__(self, config: KMTalkConfig) -> None:
        super().__init__()
        width = config.width
        self.attentions = nn.ModuleList(
            LocalAttention(width, config.key_heads, config.key_reach) for _ in range(config.key_layers)
        )
        self.feeds = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
            for _ in range(config.key_layers)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(config.key_layers))
        self.motion = nn.Linear(width, len(config.weight_names))
        nn.init.normal_(self.motion.weight, std=1e-3)
        nn.init.zeros_(self.motion.bias)

    def forward(self, features: Tensor, key_frames: Tensor) -> Tensor:
        queries = features.gather(1, key_frames[..., None].expand(-1, -1, features.shape[2]))
        for norm, attention, feed in zip(self.norms, self.attentions, self.feeds, strict=True):
            queries = queries + attention(norm(queries), features, key_frames)
            queries = queries + feed(queries)
        return self.motion(queries)


class KeyMotionReader(nn.Module):
    """Stands for the key-motion decoder where the ablation takes it away: one linear layer at each key frame."""

    def __init__(self, config: KMTalkConfig) -> None:
        super().__init__()
        self.motion = nn.Linear(config.width, len(config.weight_names))
        nn.init.normal_(self.motion.weight, std=1e-3)
        nn.init.zeros_(self.motion.bias)

    def forward(self, features: Tensor, key_frames: Tensor) -> Tensor:
        return self.motion(features.gather(1, key_frames[..., None].expand(-1, -1, features.shape[2])))


class MotionCompletion(nn.Module):
    """CMC: the motion flow encoder and the multimodal-guided decoder with its dynamic fusion gate G."""

    def __init__(self, config: KMTalkConfig) -> None:
        super().__init__()
        width, count = config.width, len(config.weight_names)
        self.flow_input = nn.Linear(count + 2, width)
        self.flow = ConvStack(width, FLOW_DILATIONS)
        self.gate = nn.Linear(2 * width, width) if config.audio_guidance else None
        self.decoder = ConvStack(width, COMPLETION_DILATIONS)
        self.motion = nn.Linear(width, count)
        self.reach = sum(FLOW_DILATIONS) + sum(COMPLETION_DILATIONS)
        """Frames to either side that one frame of the completion can depend on, given the flow."""
        nn.init.zeros_(self.motion.weight)
        nn.init.zeros_(self.motion.bias)

    def forward(self, features: Tensor, flow: Tensor, distances: Tensor) -> Tensor:
        """features (B, T, D), flow (B, T, K) and distances (B, T, 2) to the keys -> motion (B, T, K)."""
        moving = self.flow(self.flow_input(torch.cat([flow, torch.tanh(distances / 4)], dim=-1)))
        if self.gate is None:
            return flow + self.motion(self.decoder(moving))
        gate = torch.sigmoid(self.gate(torch.cat([moving, features], dim=-1)))
        fused = gate * moving + (1 - gate) * features
        return flow + self.motion(self.decoder(fused))


class KMTalk(nn.Module, Checkpoint):
    """Speech to motion in two stages; all methods take and return batched tensors.

    B clips, S samples at 16 kHz, T motion frames, N key frames, D = config.width, K = len(config.weight_names).
    """

    name: str = ""
    """Of the checkpoint that it was loaded from."""
    face: Face | None = None
    """What its weights move, where that is no rig of the shipped heads; saved and loaded with the model."""

    def __init__(self, config: KMTalkConfig) -> None:
        super().__init__()
        self.config = config
        if config.encoder == "mel":
            self.encoder = MelEncoder(config.width, config.encoder_blocks, config.mel_bands)
        else:
            self.encoder = PretrainedEncoder(config.encoder, config.encoder_config, config.width)
        self.key_decoder = KeyMotionDecoder(config) if config.key_decoder else KeyMotionReader(config)
        self.completion = MotionCompletion(config)
        self.styles = nn.Embedding(len(config.subjects), config.width) if config.subjects else None

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.completion.motion.weight.device

    @torch.no_grad()
    def hold_still(self, weights: Tensor) -> None:
        """Make the weights of a (K,) bool mask exactly 0 in every motion, such as those that speech never moves."""
        for layer in (self.key_decoder.motion, self.completion.motion):
            layer.weight[weights] = 0.0
            layer.bias[weights] = 0.0

    def encode(self, audio: Tensor) -> Heard:
        """(B, S) audio of whole recordings -> features at 50 Hz and phoneme log-posteriors at 100 Hz."""
        with torch.autocast(audio.device.type, enabled=False):  # spectra need their full precision
            prepared = self.encoder.prepare(audio)
        return self.encoder(prepared)

    def at_frames(self, features: Tensor, fps: float, frames: int, style: Tensor | None = None) -> Tensor:
        """Audio features (B, T', D) at 50 Hz -> (B, frames, D) at the times t / fps of the motion frames.

        style: (B, D) from style(), added to every frame; None is the mean of the styles that the model knows.
        """
        time = torch.arange(frames, device=features.device) / fps
        read = sample(features, (time - 0.005) * FEATURE_RATE)
        if self.styles is None:
            return read
        return read + (self.style([None]) if style is None else style)[:, None]

    def style(self, subjects: Sequence[str | None]) -> Tensor:
        """Names of B training subjects -> their styles (B, D); None stands for an unknown person, the mean of all.

        Raises InputError for a name that is not in config.subjects.
        """
        known = self.config.subjects
        if unknown := [name for name in subjects if name is not None and name not in known]:
            advice = (
                f"choose one of {', '.join(known)}, or none for their mean" if known else "it has one style, name none"
            )
            raise InputError(f"the model knows no style {unknown[0]!r}: {advice}")
        if self.styles is None:
            return torch.zeros(len(subjects), self.config.width, device=self.device)
        table = torch.cat([self.styles.weight, self.styles.weight.mean(0, keepdim=True)])
        return table[[len(known) if name is None else known.index(name) for name in subjects]]

    def decode_keys(self, features: Tensor, key_frames: Tensor) -> Tensor:
        """features (B, T, D) at motion frames, key_frames (B, N) int64 -> key motions (B, N, K)."""
        return self.key_decoder(features, key_frames)

    def complete(self, features: Tensor, key_frames: Tensor, key_motions: Tensor) -> Tensor:
        """Extend key motions (B, N, K) at key_frames (B, N) to every frame: motion (B, T, K).

        features: (B, T, D), the audio guidance. Key motions may come from the decoder or from an editing hand.
        """
        flow, distances = between_keys(key_frames, key_motions, features.shape[1])
        return self.completion(features, flow, distances)
