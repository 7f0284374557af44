"""How a model in training does on unheard clips, and whether its face has frozen."""

import logging
from collections.abc import Mapping

import numpy as np
import torch

from kmtalk.audio import SAMPLE_RATE
from kmtalk.data.prepared import Prepared, PreparedClip
from kmtalk.errors import InputError
from kmtalk.keys import place_keys
from kmtalk.localise import localise
from kmtalk.models.kmtalk import KMTalk
from kmtalk.phonemes import Phoneme
from kmtalk.train.objective import MotionObjective
from kmtalk.train.settings import PreparedConfig

LONGEST = 60.0
FROZEN = 0.1
CONSTANT = 0.02
logger = logging.getLogger(__name__)


class Judge:
    """Measures a model on validation clips (the training ones where there are none), the first minute of each.

    lve_mm: mean over frames of the largest distance of a lip vertex from its true place; lve_rest_mm: the same of a
    face that never moves; motion_ratio: deviation over time of the predicted lips by that of the true ones;
    feature_spread: how far audio features vary over time, by their size.
    """

    def __init__(self, prepared: Prepared, config: PreparedConfig) -> None:
        self.prepared, self.config = prepared, config
        clips = prepared.clips("validation") if "validation" in prepared.splits else ()
        usable = [clip for clip in clips if clip.seconds and clip.frames > 1]
        if not usable:
            logger.info("no validation clip has sound: scores are of training clips")
            usable = [clip for clip in prepared.clips("train") if clip.seconds and clip.frames > 1]
        self.clips = usable[:: max(1, len(usable) // config.judged)][: config.judged]
        self.lips = prepared.regions.get("lips", np.arange(prepared.vertex_count))

    @torch.inference_mode()
    def measure(self, objective: MotionObjective, step: int) -> dict[str, float]:
        """Return the metrics."""
        basis = self.prepared.basis[:, self.lips]
        if objective.basis is not None:
            learned = objective.basis.unflatten(1, (-1, 3))[:, torch.from_numpy(self.lips)]
            basis = learned.float().cpu().numpy() / 1e3
        scores = [self._score(objective.model, clip, basis) for clip in self.clips]
        errors, rests, moved, truly, spreads = (np.concatenate(values) for values in zip(*scores, strict=True))
        return {
            "lve_mm": float(errors.mean() * 1e3),
            "lve_rest_mm": float(rests.mean() * 1e3),
            "motion_ratio": float(np.sqrt(moved.mean() / max(truly.mean(), 1e-20))),
            "feature_spread": float(spreads.mean()),
        }

    def watch(self, metrics: Mapping[str, float], step: int) -> None:
        """Stop, or warn, when the face no longer moves, in a sentence that says what to change."""
        ratio, config = metrics.get("motion_ratio", 1.0), self.config
        if config.collapse == "ignore" or step < config.collapse_after or ratio >= FROZEN:
            return
        message = f"the face is frozen: at step {step} its lips move {ratio:.1%} as far as the true ones; "
        if metrics["feature_spread"] < CONSTANT:
            message += (
                "the audio features hardly change over time, so the encoder has collapsed: lower pretrained_rate "
                f"(now {config.pretrained_rate:g}) or set frozen to all"
            )
        else:
            message += (
                f"lower learning_rate (now {config.learning_rate:g}), and check that the sound belongs to the motion "
                'and that its units are right (collapse "warn" goes on)'
            )
        if config.collapse == "stop":
            raise InputError(message)
        logger.warning("%s", message)

    def _score(self, model: KMTalk, clip: PreparedClip, basis: np.ndarray) -> tuple[np.ndarray, ...]:
        frames = min(clip.frames, int(LONGEST * self.prepared.fps))
        audio = self.prepared.audio(clip.name)[: round(frames / self.prepared.fps * SAMPLE_RATE)]
        subject = clip.subject if clip.subject in model.config.subjects else None
        weights, features, _ = predict(model, audio, self.prepared.fps, frames, subject)
        guess = np.tensordot(weights, basis, axes=1)
        rest = self.prepared.template(clip.subject)[self.lips]
        truth = np.array(self.prepared.vertices(clip.name)[:frames, self.lips]) - rest
        return (
            np.linalg.norm(guess - truth, axis=-1).max(1),
            np.linalg.norm(truth, axis=-1).max(1),
            guess.var(axis=0).ravel(),
            truth.var(axis=0).ravel(),
            features.std(axis=0) / max(np.sqrt((features**2).mean()), 1e-9),
        )


@torch.inference_mode()
def predict(
    model: KMTalk, audio: np.ndarray, fps: float, frames: int, subject: str | None = None
) -> tuple[np.ndarray, np.ndarray, tuple[Phoneme, ...]]:
    """Return the weights (T, K), the audio features (T, D) and the phonemes that a model hears in audio (S,)."""
    heard = model.encode(torch.from_numpy(np.ascontiguousarray(audio))[None].to(model.device))
    phonemes = localise(heard.log_posteriors[0].float().cpu().numpy())
    at = torch.from_numpy(place_keys(model.config.keys, phonemes, fps, frames))[None].to(model.device)
    plain = model.at_frames(heard.features, fps, frames)
    features = model.at_frames(heard.features, fps, frames, model.style([subject]))
    motion = model.complete(features, at, model.decode_keys(features, at))
    return motion[0].float().cpu().numpy(), plain[0].float().cpu().numpy(), phonemes
