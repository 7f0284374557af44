"""Speak the training corpus."""

import argparse
from pathlib import Path

from kmtalk.commands.terminal import say


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command and its options."""
    parser = commands.add_parser(
        "corpus",
        help="speak the training corpus with the installed speech engines",
        description="Speak the training corpus with the installed speech engines (flite, festival, espeak-ng), "
        "with the times of its phonemes. A stopped run is taken up again.",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("~/.cache/kmtalk/corpus"), help="folder to write (default: %(default)s)"
    )
    parser.add_argument("--hours", type=float, default=6.0, help="hours of speech (default: 6)")
    parser.add_argument("--seed", type=int, default=0, help="of sentences, voices and manners (default: 0)")
    parser.add_argument("--all-voices", action="store_true", help="use voices under the GPL too")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it and return the exit code."""
    from kmtalk.data.synthetic import build_corpus

    def progress(done: float, name: str) -> None:
        say(f"{done:4.0%} {name}")

    corpus = build_corpus(options.out, options.hours, options.seed, not options.all_voices, progress=progress)
    say(f"{len(corpus)} clips, {corpus.duration / 3600:.2f} hours, in {options.out}")
    return 0
