"""Repeat the paper's experiments in kind on the spoken corpus."""

import argparse
from dataclasses import replace
from pathlib import Path

from kmtalk.commands.checks import use_threads
from kmtalk.commands.terminal import say


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command and its options."""
    parser = commands.add_parser(
        "experiments",
        help="repeat the paper's experiments in kind, with small models on the spoken corpus",
        description="Train and score KMTalk, its ablations and other kinds of animators, with and without key motions, "
        "on English clips of the spoken corpus, and write a report. A stopped study in --out goes on.",
    )
    parser.add_argument("--quick", action="store_true", help="tiny models, few steps, one seed: 3 processor minutes")
    parser.add_argument("--corpus", type=Path, help="folder that `corpus` wrote (default: speak a small one)")
    parser.add_argument("--out", type=Path, required=True, help="folder of the study: material, results, report")
    parser.add_argument("--report", type=Path, help="folder to write the report to (default: OUT/report)")
    parser.add_argument("--report-only", action="store_true", help="write the report of the seeds that are complete")
    parser.add_argument("--seeds", type=int, help="how many (default: 3, with --quick 1)")
    parser.add_argument("--steps", type=int, help="of each training (default: 800, with --quick 300)")
    parser.add_argument("--threads", type=int, default=0, help="processor threads, 0 for all")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it and return the exit code."""
    from kmtalk.data.synthetic import load_corpus
    from kmtalk.experiments import FULL, QUICK, run_study, write_report
    from kmtalk.face import load_face

    use_threads(options.threads)
    out = options.out.expanduser()
    if not options.report_only:
        given = {name: getattr(options, name) for name in ("seeds", "steps") if getattr(options, name) is not None}
        config = replace(QUICK if options.quick else FULL, **given)
        corpus = load_corpus(options.corpus) if options.corpus else _small_corpus(out, config.hours)
        run_study(corpus, load_face(), out, config, say)
    say(write_report(out, options.report or out / "report"))
    return 0


def _small_corpus(out: Path, hours: float) -> object:
    """English voices, a little more than is to be learned from; some of it is held out."""
    from kmtalk.data.synthetic import build_corpus
    from kmtalk.data.voices import voices

    english = [voice for voice in voices() if voice.language == "en" or voice.name.startswith("espeak-en")]
    return build_corpus(
        out / "corpus", hours * 1.2, chosen=english, progress=lambda done, name: say(f"{done:4.0%} {name}")
    )
