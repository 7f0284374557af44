"""Score a checkpoint."""

import argparse
from pathlib import Path

from kmtalk.commands.checks import check_target
from kmtalk.commands.terminal import say


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command and its options."""
    parser = commands.add_parser(
        "evaluate",
        help="score a checkpoint on labelled voices and tracked faces",
        description="Score a checkpoint on recordings of real people: phonemes and lips where the sounds are labelled, "
        "the mouth's motion where a face was tracked. Each score is told with its definition.",
    )
    parser.add_argument("--speech", type=Path, required=True, help="folder with labelled/ and faces/ recordings")
    parser.add_argument("--model", metavar="DIR_OR_HUB_ID", help="a checkpoint (default: the shipped one)")
    parser.add_argument(
        "--conditions",
        default="clean,babble10,telephone",
        metavar="LIST",
        help="what is done to the voices, with commas between: clean, babble10 (six others, 10 dB softer), telephone, "
        "noise10, room, codec, clipped, quiet (default: %(default)s)",
    )
    parser.add_argument("--no-baselines", action="store_true", help="score the model alone")
    parser.add_argument("--json", type=Path, help="write every clip's scores to this file")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it and return the exit code."""
    from kmtalk.animate import load_model
    from kmtalk.evaluate import evaluate, table, write_json

    check_target(options.json)
    conditions = [name.strip() for name in options.conditions.split(",") if name.strip()]
    result = evaluate(
        options.speech, load_model(options.model), conditions=conditions, baselines=not options.no_baselines
    )
    say(table(result))
    if options.json:
        write_json(result, options.json)
    return 0
