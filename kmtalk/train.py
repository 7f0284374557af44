"""Training: one loop from the bank of spoken clips to a checkpoint."""

import copy
import json
import logging
import math
import pickle
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from kmtalk.data.bank import Bank
from kmtalk.data.batches import Batch, Batches
from kmtalk.data.validation import validate
from kmtalk.errors import InputError
from kmtalk.face import Face
from kmtalk.files import replacing
from kmtalk.models.kmtalk import KMTalk, KMTalkConfig
from kmtalk.models.layers import between_keys

GAIN_CHANNELS = ("jawOpen", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight")
SMALLEST = 0.05
"""Millimetres under which an error counts no less, so that the losses are smooth."""
HELD_SHAPES = {"mouthPressLeft": 0.30, "mouthRollLower": 0.52}
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainConfig:
    """How to train.

    hours: wall time, which the learning rate's schedule spans; batch: clips of 3 s a step; learning_rate: its peak;
    key_weight, motion_weight, velocity_weight, gap_weight, phoneme_weight: of the losses; held: how much more a frame
    with held lips (p b m f v) counts, without which they would stay half open where the model is unsure; smoothing: of
    the phoneme labels; edited: share of the clips in which some key motions are changed as if by hand; average: decay
    of the weights' running mean, which is what is saved; report: seconds from one report to the next.
    """

    hours: float = 1.0
    batch: int = 16
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    key_weight: float = 0.5
    motion_weight: float = 0.5
    velocity_weight: float = 0.5
    gap_weight: float = 0.5
    phoneme_weight: float = 1.0
    held: float = 6.0
    edited: float = 0.3
    smoothing: float = 0.1
    average: float = 0.998
    report: float = 300.0
    seed: int = 0
    device: str = "cpu"


class MotionLoss:
    """Vertex-space losses at the price of weight-space ones: dw G dw^T, factored once as |dw A|^2.

    G sums the squared millimetres of the lips' vertices (their mean), and a quarter of the lower face's and tongue's.
    """

    def __init__(self, face: Face, device: torch.device) -> None:
        shares = {"lips": 1.0, "lower_face": 0.25, "tongue": 0.25}
        gram = sum(share * face.gram(name) / len(face.regions[name]) for name, share in shares.items()) * 1e6
        values, vectors = np.linalg.eigh(gram)
        factor = vectors * np.sqrt(np.maximum(values, 0))
        self.factor = torch.from_numpy(factor.astype(np.float32)).to(device)
        self.held_shapes = [face.basis_names.index(name) for name in HELD_SHAPES]
        self.gap_row = torch.from_numpy(face.lip_row() * 1e3).to(device)

    def position(self, error: Tensor) -> Tensor:
        """(..., K) weight errors -> (...) millimetres.

        Distances, not their squares: where the model is unsure, the best guess of squares is the mean of what may
        be, half-open lips; that of distances is the likeliest of them.
        """
        return ((error @ self.factor).square().sum(-1) + SMALLEST**2).sqrt()

    def held(self, motion: Tensor) -> Tensor:
        """(..., K) true weights -> (...) in [0, 1], how firmly the lips are held against each other or the teeth."""
        firmness = torch.tensor(list(HELD_SHAPES.values()), device=motion.device)
        return (motion[..., self.held_shapes] / firmness).amax(-1).clamp(0, 1)

    def gap(self, error: Tensor) -> Tensor:
        """(..., K) weight errors -> (...) millimetres of the opening between the lips."""
        return ((error @ self.gap_row).square() + SMALLEST**2).sqrt()


def losses(model: KMTalk, batch: Batch, motion_loss: MotionLoss, config: TrainConfig) -> dict[str, Tensor]:
    """Return the named loss terms of one batch, unweighted."""
    heard = model.encoder(batch.mel)
    features = model.at_frames(heard.features, batch.fps, batch.motion.shape[1])
    keys = model.decode_keys(features, batch.key_frames)
    edits = _edits(batch, config.edited)
    motion = model.complete(features, batch.key_frames, keys + edits)
    width = batch.motion.shape[2]
    true_keys = batch.motion.gather(1, batch.key_frames[..., None].expand(-1, -1, width))
    edited, _ = between_keys(batch.key_frames, edits, batch.motion.shape[1])
    error = motion - (batch.motion + edited)
    weight = 1 + config.held * motion_loss.held(batch.motion)
    key_weight = 1 + config.held * motion_loss.held(true_keys)[batch.key_mask]
    posteriors = heard.log_posteriors.flatten(0, 1)
    return {
        "phoneme": functional.cross_entropy(posteriors, batch.labels.flatten(), label_smoothing=config.smoothing),
        "key": (key_weight * motion_loss.position(keys - true_keys)[batch.key_mask]).mean(),
        "motion": (weight * motion_loss.position(error)).mean(),
        "velocity": motion_loss.position(error.diff(dim=1)).mean(),
        "gap": (weight * motion_loss.gap(error)).mean(),
    }


def _edits(batch: Batch, share: float) -> Tensor:
    """What a hand might change: (B, N, K) offsets of some key motions, in a few of the weights that move, mostly 0.

    The completion must follow them, so that edited key motions are obeyed instead of smoothed away.
    """
    moving = (batch.motion != 0).any(dim=1, keepdim=True)  # (B, 1, K)
    shape = (*batch.key_frames.shape, batch.motion.shape[2])
    clips, keys, weights = (
        torch.rand(*sizes, device=batch.motion.device) < chance
        for sizes, chance in (((shape[0], 1, 1), share), ((*shape[:2], 1), 0.15), ((shape[0], 1, shape[2]), 0.15))
    )
    offsets = torch.empty(shape, device=batch.motion.device).uniform_(-0.3, 0.6)
    return offsets * (clips & keys & weights & moving & batch.key_mask[..., None])


def train(
    bank: Bank,
    face: Face,
    out: Path,
    config: TrainConfig,
    model_config: KMTalkConfig | None = None,
    start: KMTalk | None = None,
) -> KMTalk:
    """Train on a bank and return the averaged model, saved in out/checkpoint; a stopped run in `out` is taken up again.

    start: a model of this face whose weights a new run begins with (fine-tuning), else they are random.
    out/log.jsonl gets a line of losses and held-out metrics at every report; out/state.pt is the state to resume from.
    """
    if start is not None and start.config.weight_names != face.basis_names:
        raise InputError(
            f"the checkpoint to start from moves {len(start.config.weight_names)} weights, not those of face "
            f"{face.name!r}: start from a checkpoint of this face, or from none"
        )
    out.mkdir(parents=True, exist_ok=True)
    model_config = model_config or (start.config if start else KMTalkConfig(weight_names=face.basis_names))
    run = _Run.start(bank, face, out, config, model_config, start)
    began, reported = time.monotonic() - run.elapsed, run.elapsed
    while (elapsed := time.monotonic() - began) < config.hours * 3600:
        run.step(elapsed)
        if elapsed - reported > config.report:
            reported = elapsed
            run.report(elapsed)
    run.report(config.hours * 3600)
    return run.average


class _Run:
    """The state of one training run: model, its running mean, optimiser, batches and counters."""

    def __init__(self, bank: Bank, face: Face, out: Path, config: TrainConfig, model: KMTalk, step: int) -> None:
        self.bank, self.face, self.out, self.config = bank, face, out, config
        self.model = model.to(config.device)
        self.average = copy.deepcopy(self.model).eval()
        self.optimiser = torch.optim.AdamW(
            self.model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        names = list(face.basis_names)
        channels = [names.index(name) for name in GAIN_CHANNELS]
        self.batches = Batches(bank, config.batch, config.seed + step, channels, frame_rates=(25.0, 30.0))
        self.motion_loss = MotionLoss(face, self.model.device)
        self.still = torch.from_numpy(~bank.moved())
        self.weights = {
            name: getattr(config, f"{name}_weight") for name in ("phoneme", "key", "motion", "velocity", "gap")
        }
        self.steps, self.elapsed, self.means = step, 0.0, dict.fromkeys(self.weights, math.nan)

    @classmethod
    def start(
        cls,
        bank: Bank,
        face: Face,
        out: Path,
        config: TrainConfig,
        model_config: KMTalkConfig,
        start: KMTalk | None = None,
    ) -> "_Run":
        torch.manual_seed(config.seed)
        state_file = out / "state.pt"
        if not state_file.is_file():
            return cls(bank, face, out, config, _built(model_config, start), 0)
        state = _read_state(state_file)
        run = cls(bank, face, out, config, KMTalk(model_config), state["steps"])
        try:
            run.model.load_state_dict(state["model"])
            run.average.load_state_dict(state["average"])
            run.optimiser.load_state_dict(state["optimiser"])
        except (RuntimeError, ValueError) as error:
            raise InputError(f"{state_file} is of another model: choose another --out or remove it") from error
        run.elapsed = state["elapsed"]
        logger.info("resumed at step %d, %.0f s", run.steps, run.elapsed)
        return run

    def step(self, elapsed: float) -> None:
        done = elapsed / (self.config.hours * 3600)
        rate = min(1, (self.steps + 1) / 100) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.learning_rate * rate
        self.model.train()
        terms = losses(self.model, next(self.batches).to(self.model.device), self.motion_loss, self.config)
        self.optimiser.zero_grad()
        sum(self.weights[name] * term for name, term in terms.items()).backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.model.hold_still(self.still)
        self.steps += 1
        self._follow()
        for name, term in terms.items():
            value = term.item()
            self.means[name] = value if math.isnan(self.means[name]) else 0.99 * self.means[name] + 0.01 * value

    @torch.no_grad()
    def _follow(self) -> None:
        decay = min(self.config.average, 1 - 1 / (self.steps + 1))
        for mean, value in zip(self.average.parameters(), self.model.parameters(), strict=True):
            mean.lerp_(value, 1 - decay)
        for mean, value in zip(self.average.buffers(), self.model.buffers(), strict=True):
            mean.copy_(value)
        self.average.hold_still(self.still)

    def report(self, elapsed: float) -> None:
        metrics = validate(self.average, self.bank, self.face)
        line = {"step": self.steps, "seconds": round(elapsed), **self.means, **metrics}
        with (self.out / "log.jsonl").open("a") as log:
            log.write(json.dumps(line) + "\n")
        logger.info("%s", json.dumps(line))
        state = {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "steps": self.steps,
            "elapsed": elapsed,
        }
        with replacing(self.out / "state.pt") as temporary:
            torch.save(state, temporary)
        self.average.save_pretrained(self.out / "checkpoint")
        (self.out / "config.json").write_text(json.dumps(asdict(self.config), indent=2))


def _built(config: KMTalkConfig, start: KMTalk | None) -> KMTalk:
    """A new model, with the weights of another where one is given."""
    model = KMTalk(config)
    if start is not None:
        try:
            model.load_state_dict(start.state_dict())
        except RuntimeError as error:
            raise InputError("the checkpoint to start from has other sizes than the model to train") from error
    return model


def _read_state(path: Path) -> dict:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise InputError(f"{path} is damaged: choose another --out or remove it") from error
    if not isinstance(state, dict) or set(state) != {"model", "average", "optimiser", "steps", "elapsed"}:
        raise InputError(f"{path} is not the state of a training run: choose another --out or remove it")
    return state
