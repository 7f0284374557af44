"""Training on the bank of a spoken corpus, whose motion the articulation rules made, as the shipped model was."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from kmtalk.data.augment import AUGMENTATIONS
from kmtalk.data.bank import Bank
from kmtalk.data.batches import Batch, Batches, pad_keys
from kmtalk.data.validation import validate
from kmtalk.errors import InputError
from kmtalk.face import Face
from kmtalk.files import make_folder
from kmtalk.keys import spread_keys
from kmtalk.models.kmtalk import KMTalk, KMTalkConfig
from kmtalk.models.layers import between_keys
from kmtalk.phonemes import LABELS
from kmtalk.train.log import write_config
from kmtalk.train.loop import LoopConfig, Work, fit
from kmtalk.train.losses import HELD_SHAPES, SHARES, MotionLoss, edits

GAIN_CHANNELS = ("jawOpen", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight")


@dataclass(frozen=True)
class TrainConfig(LoopConfig):
    """How to train on a corpus, beside what LoopConfig says.

    batch: clips of 3 s; key_weight, motion_weight, velocity_weight, gap_weight, phoneme_weight: of the losses; held:
    how much more a frame with held lips (p b m f v) counts, without which they would stay half open where the model is
    unsure; smoothing: of the phoneme labels; edge: how much more a frame within 20 ms of a boundary counts among them,
    lips: one of p b m f v; edited: share of the clips in which some key motions are changed as if by hand; without: of
    AUGMENTATIONS, those left out.
    """

    batch: int = 16
    key_weight: float = 0.5
    motion_weight: float = 0.5
    velocity_weight: float = 0.5
    gap_weight: float = 0.8
    phoneme_weight: float = 1.0
    held: float = 10.0
    edited: float = 0.3
    smoothing: float = 0.05
    edge: float = 1.0
    lips: float = 2.0
    without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_whole(1, "batch")
        if unknown := sorted(set(self.without) - set(AUGMENTATIONS)):
            raise InputError(f"no augmentation {unknown[0]!r}: choose of {', '.join(AUGMENTATIONS)}")


class CorpusObjective(nn.Module):
    """A model with the losses of one batch of the bank; still: (K,) bool, the weights that speech never moves."""

    def __init__(self, model: KMTalk, motion_loss: MotionLoss, config: TrainConfig, still: Tensor) -> None:
        super().__init__()
        self.model, self.motion_loss, self.config = model, motion_loss, config
        self.register_buffer("still", still, persistent=False)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Return the named loss terms of one batch, unweighted."""
        return losses(self.model, batch, self.motion_loss, self.config)

    def settle(self) -> None:
        """Hold what speech never moves exactly still."""
        self.model.hold_still(self.still)


def losses(model: KMTalk, batch: Batch, motion_loss: MotionLoss, config: TrainConfig) -> dict[str, Tensor]:
    """Return the named loss terms of one batch, unweighted."""
    heard = model.encoder(batch.mel)
    features = model.at_frames(heard.features, batch.fps, batch.motion.shape[1])
    keys = model.decode_keys(features, batch.key_frames)
    changes = edits(batch.motion, batch.key_mask, config.edited, -0.3, 0.6)
    motion = model.complete(features, batch.key_frames, keys + changes)
    width = batch.motion.shape[2]
    true_keys = batch.motion.gather(1, batch.key_frames[..., None].expand(-1, -1, width))
    changed, _ = between_keys(batch.key_frames, changes, batch.motion.shape[1])
    error = motion - (batch.motion + changed)
    weight = 1 + config.held * motion_loss.held(batch.motion)
    key_weight = 1 + config.held * motion_loss.held(true_keys)[batch.key_mask]
    supervised = float(model.config.key_decoder)  # the ablation's reader learns from the completed motion alone
    return {
        "phoneme": phoneme_loss(heard.log_posteriors, batch.labels, config),
        "key": supervised * (key_weight * motion_loss.position(keys - true_keys)[batch.key_mask]).mean(),
        "motion": (weight * motion_loss.position(error)).mean(),
        "velocity": motion_loss.position(error.diff(dim=1)).mean(),
        "gap": (weight * motion_loss.gap(error)).mean(),
    }


def phoneme_loss(log_posteriors: Tensor, labels: Tensor, config: TrainConfig) -> Tensor:
    """Cross entropy of (B, T, 40) log-posteriors for (B, T) labels, heavier at boundaries and at lip sounds."""
    each = functional.cross_entropy(
        log_posteriors.flatten(0, 1), labels.flatten(), label_smoothing=config.smoothing, reduction="none"
    ).view(labels.shape)
    changed = functional.pad((labels.diff(dim=1) != 0).float(), (1, 0))
    near = functional.max_pool1d(functional.pad(changed[:, None], (1, 2)), 4, stride=1)[:, 0]  # 20 ms to either side
    lips = torch.isin(labels, torch.tensor([LABELS.index(label) for label in "PBMFV"], device=labels.device))
    weight = 1 + config.edge * near + config.lips * lips
    return (weight * each).sum() / weight.sum()


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
    out/log.csv gets a row of losses and held-out metrics at every report; out/state.pt is the state to resume from.
    """
    if start is not None and start.config.weight_names != face.basis_names:
        raise InputError(
            f"the checkpoint to start from moves {len(start.config.weight_names)} weights, not those of face "
            f"{face.name!r}: start from a checkpoint of this face, or from none"
        )
    make_folder(out)
    write_config(out, asdict(config))
    torch.manual_seed(config.seed)
    model_config = model_config or (start.config if start else KMTalkConfig(weight_names=face.basis_names))
    still = torch.from_numpy(~bank.moved())
    objective = CorpusObjective(_built(model_config, start), MotionLoss(face, SHARES, HELD_SHAPES), config, still)
    work = Work(
        objective=objective,
        weights={name: getattr(config, f"{name}_weight") for name in ("phoneme", "key", "motion", "velocity", "gap")},
        batch=BankBatches(bank, face, config.batch, config.seed, model_config.keys, config.without),
        measure=lambda average, step: validate(average.model, bank, face),
        save=lambda average, folder: average.model.save_pretrained(folder),
        settle=lambda trained: trained.settle(),
    )
    return fit(work, out, config).model


class BankBatches:
    """The batches of a bank by number: batch n is always the same one.

    keys: one of kmtalk.keys.KINDS; without: of AUGMENTATIONS, those left out.
    """

    def __init__(
        self, bank: Bank, face: Face, size: int, seed: int, keys: str = "phonemes", without: tuple[str, ...] = ()
    ) -> None:
        channels = [face.basis_names.index(name) for name in GAIN_CHANNELS]
        self.seed, self.keys = seed, keys
        self.batches = Batches(bank, size, seed, channels, (25.0, 30.0), without)

    def __call__(self, index: int) -> Batch:
        """Draw batch number `index`."""
        self.batches.random = np.random.default_rng((self.seed, index))
        self.batches.augment.generator.manual_seed(self.seed * 1_000_003 + index)
        batch = next(self.batches)
        if self.keys == "phonemes":
            return batch
        frames = batch.motion.shape[1]
        counts = batch.key_mask.sum(1).tolist()
        key_frames, mask = pad_keys([spread_keys(self.keys, n, frames, self.batches.random) for n in counts])
        return replace(batch, key_frames=key_frames, key_mask=mask)


def _built(config: KMTalkConfig, start: KMTalk | None) -> KMTalk:
    """A new model, with the weights of another where one is given."""
    model = KMTalk(config)
    if start is not None:
        try:
            model.load_state_dict(start.state_dict())
        except RuntimeError as error:
            raise InputError("the checkpoint to start from has other sizes than the model to train") from error
    return model
