"""Train a checkpoint, on a spoken corpus or on a prepared data set."""

import argparse
import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from kmtalk.commands.checks import use_threads
from kmtalk.commands.terminal import say
from kmtalk.errors import InputError

if TYPE_CHECKING:
    from kmtalk.models.kmtalk import KMTalk

RUN = ("steps", "hours", "batch", "learning_rate", "accumulate", "precision", "seed", "device")
"""Options that set a value of the run's config, in either way of training."""
MODEL = ("encoder", "basis")


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command and its options."""
    parser = commands.add_parser(
        "train",
        help="train a checkpoint on a spoken corpus or a prepared data set",
        description="Train a checkpoint, OUT/checkpoint, and write how it goes to OUT/log.csv. Several GPUs: "
        "accelerate launch -m kmtalk train ... (pip install accelerate).",
        epilog="log.csv with --data: lve_mm is the largest distance of a lip vertex from its true place, mean over the "
        "frames of the validation clips, and lve_rest_mm that of a face that never moves; motion_ratio is how far the "
        "lips move beside the true ones (near 0: frozen); phoneme, key, motion, velocity and gap are losses.",
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--data", type=Path, metavar="DIR", help="prepared data set, as `prepare` wrote it")
    source.add_argument(
        "--corpus",
        type=Path,
        default=Path("~/.cache/kmtalk/corpus"),
        help="folder that `corpus` wrote (default: %(default)s)",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the run; a stopped run there is resumed")
    parser.add_argument(
        "--config",
        metavar="NAME_OR_FILE.json",
        help="settings for --data: `own`, another name in kmtalk/train/configs, or a file",
    )
    parser.add_argument(
        "--start",
        metavar="DIR_OR_HUB_ID",
        help="a checkpoint whose weights a new run begins with (fine-tuning), `shipped` for the shipped one",
    )
    parser.add_argument("--encoder", help="for --data: mel, or a folder or Hub id of wav2vec 2.0 or HuBERT")
    parser.add_argument(
        "--basis", choices=("pca", "learned"), help="for --data: keep the fitted basis, or train it too"
    )
    parser.add_argument("--steps", type=int, help="steps of the whole run, instead of hours")
    parser.add_argument("--hours", type=float, help="wall time of the whole run, instead of steps (--corpus: 1)")
    parser.add_argument("--batch", type=int, help="clips a step (--corpus: 16)")
    parser.add_argument("--accumulate", type=int, help="batches a step (default: 1)")
    parser.add_argument("--learning-rate", type=float, help="its peak (--corpus: 2e-3)")
    parser.add_argument("--precision", choices=("full", "bf16", "fp16"), help="of the arithmetic (default: full)")
    parser.add_argument("--seed", type=int, help="of weights, batches and everything else that is random (default: 0)")
    parser.add_argument("--device", help="cpu (default), cuda, cuda:1 ...")
    parser.add_argument("--threads", type=int, default=0, help="processor threads, 0 for all")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it and return the exit code."""
    from kmtalk.animate import load_model

    logging.getLogger("kmtalk").setLevel(logging.INFO)
    use_threads(options.threads)
    if options.steps is not None and options.hours is not None:
        raise InputError("both --steps and --hours were given: give one of them")
    if options.steps == 0:
        raise InputError("--steps 0: give at least one step, or --hours instead")
    start = load_model(None if options.start == "shipped" else options.start) if options.start else None
    out = options.out.expanduser()
    if options.data is None:
        _on_corpus(options, out, start)
    else:
        _on_prepared(options, out, start)
    say(f"checkpoint in {out / 'checkpoint'}")
    return 0


def _on_corpus(options: argparse.Namespace, out: Path, start: "KMTalk | None") -> None:
    from kmtalk.data.articulation import Articulation
    from kmtalk.data.bank import build_bank
    from kmtalk.data.synthetic import load_corpus
    from kmtalk.face import load_face
    from kmtalk.train import TrainConfig, train

    given = [name for name in ("config", *MODEL) if getattr(options, name) is not None]
    if given:
        raise InputError(f"--{given[0]} is for prepared data sets: give --data too, or leave it out")
    face = load_face()
    bank = build_bank(load_corpus(options.corpus), Articulation(face), out / "bank")
    train(bank, face, out, replace(TrainConfig(), **_given(options, RUN)), start=start)


def _on_prepared(options: argparse.Namespace, out: Path, start: "KMTalk | None") -> None:
    from kmtalk.data.prepared import load_prepared
    from kmtalk.train import ModelChoice, PreparedConfig, read_settings, train_prepared

    prepared = load_prepared(options.data)
    choice, config = read_settings(options.config) if options.config else (ModelChoice(), PreparedConfig())
    choice, config = replace(choice, **_given(options, MODEL)), replace(config, **_given(options, RUN))
    train_prepared(prepared, out, config, choice, start)


def _given(options: argparse.Namespace, names: tuple[str, ...]) -> dict[str, object]:
    """The options that were given; a wall time takes the place of a number of steps."""
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    return {"steps": 0, **given} if "hours" in given else given
