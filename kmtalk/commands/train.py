"""Train a checkpoint."""

import argparse
import logging
from pathlib import Path

from kmtalk.commands.terminal import say


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command and its options."""
    parser = commands.add_parser("train", help="train a checkpoint on a spoken corpus")
    parser.add_argument(
        "--corpus",
        type=Path,
        default=Path("~/.cache/kmtalk/corpus"),
        help="folder that `corpus` wrote (default: %(default)s)",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the run; a stopped run there is resumed")
    parser.add_argument(
        "--start", metavar="DIR_OR_HUB_ID", help="a checkpoint whose weights a new run begins with (fine-tuning)"
    )
    parser.add_argument("--hours", type=float, default=1.0, help="wall time of the whole run (default: 1)")
    parser.add_argument("--batch", type=int, default=16, help="clips of 3 s a step (default: 16)")
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1 ...")
    parser.add_argument("--threads", type=int, default=0, help="processor threads, 0 for all")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it and return the exit code."""
    import torch

    from kmtalk.animate import load_model
    from kmtalk.data.articulation import Articulation
    from kmtalk.data.bank import build_bank
    from kmtalk.data.synthetic import load_corpus
    from kmtalk.face import load_face
    from kmtalk.train import TrainConfig, train

    logging.getLogger("kmtalk").setLevel(logging.INFO)
    if options.threads:
        torch.set_num_threads(options.threads)
    face, out = load_face(), options.out.expanduser()
    start = load_model(options.start) if options.start else None
    bank = build_bank(load_corpus(options.corpus), Articulation(face), out / "bank")
    config = TrainConfig(
        hours=options.hours,
        batch=options.batch,
        learning_rate=options.learning_rate,
        seed=options.seed,
        device=options.device,
    )
    train(bank, face, out, config, start=start)
    say(f"checkpoint in {out / 'checkpoint'}")
    return 0
