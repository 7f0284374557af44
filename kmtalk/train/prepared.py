"""Training on a prepared data set: anyone's own recordings of moving faces, or those that research shares."""

import logging
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch

from kmtalk.data.crops import Crops
from kmtalk.data.prepared import Prepared, prepared_face
from kmtalk.errors import InputError
from kmtalk.face import Face
from kmtalk.files import make_folder
from kmtalk.models.kmtalk import KMTalk
from kmtalk.stages import MIN_FPS, make_grid
from kmtalk.train.build import build_model, training_subjects
from kmtalk.train.card import write_card
from kmtalk.train.judge import Judge
from kmtalk.train.log import write_config
from kmtalk.train.loop import Work, fit
from kmtalk.train.objective import MotionObjective
from kmtalk.train.settings import ModelChoice, PreparedConfig
from kmtalk.train.spoken import spoken_phonemes

logger = logging.getLogger(__name__)


def train_prepared(
    prepared: Prepared,
    out: Path,
    config: PreparedConfig | None = None,
    choice: ModelChoice | None = None,
    start: KMTalk | None = None,
    label: Callable[[np.ndarray], tuple] | None = None,
) -> KMTalk:
    """Train KMTalk on a prepared data set; return the averaged model, saved with its face in out/checkpoint.

    choice: what to build; start: a model from which every weight that fits is taken; label: audio (S,) -> phonemes, for
    clips without a TextGrid (default: the shipped model's ears). A stopped run in `out` is taken up again, with the
    same weights in the end as if it had not been stopped; the checkpoint is the best of its reports by lve_mm.
    """
    config, choice = config or PreparedConfig(), choice or ModelChoice()
    if prepared.basis is None:
        raise InputError(f"{prepared.folder} has no basis to train on: prepare it with --basis 128")
    if prepared.fps < MIN_FPS or make_grid(1, prepared.fps).step > 1:  # animate() would run the model at another rate
        raise InputError(
            f"{prepared.folder} has {prepared.fps:g} frames a second, models run at 20 to 41: prepare it with --fps 30"
        )
    make_folder(out)
    spoken = spoken_phonemes(prepared, out, label)
    face = mean_face(prepared)
    torch.manual_seed(config.seed)
    model = build_model(choice, face, training_subjects(prepared), start)
    learned = choice.basis == "learned"
    objective = MotionObjective(model, face, config, learned)
    write_config(out, {"model": asdict(choice), "train": asdict(config)})
    pairs = config.pairs if learned else 0
    judge = Judge(prepared, config)

    def save(average: MotionObjective, folder: Path) -> None:
        average.model.face = trained_face(average, face)
        folder.mkdir(exist_ok=True)
        write_card(prepared, choice, config, folder)
        average.model.save_pretrained(folder)

    work = Work(
        objective=objective,
        weights=config.loss_weights,
        batch=Crops(
            prepared,
            spoken,
            size=config.batch,
            seconds=config.seconds,
            seed=config.seed,
            keys=choice.keys,
            pairs=pairs,
        ),
        measure=judge.measure,
        watch=judge.watch,
        save=save,
        pretrained=("backbone.", "basis"),
        score="lve_mm",
    )
    logger.info("%s, %d parameters", prepared.name, sum(value.numel() for value in objective.parameters()))
    average = fit(work, out, config)
    average.model.face = trained_face(average, face)
    return average.model


def mean_face(prepared: Prepared) -> Face:
    """Return the face that a checkpoint carries: the mean of the training subjects' templates, and the set's basis."""
    template = np.mean([prepared.template(subject) for subject in training_subjects(prepared)], axis=0)
    return replace(prepared_face(prepared), name=prepared.name, template=template.astype(np.float32))


def trained_face(objective: MotionObjective, face: Face) -> Face:
    """Return the face with the basis that the objective has learned, where it learns one."""
    if objective.basis is None:
        return face
    basis = objective.basis.detach().float().cpu().numpy().reshape(face.basis.shape) / 1e3
    return replace(face, basis=basis.astype(np.float32))
