"""Score anyone's animations against true motion."""

import argparse
from pathlib import Path

from kmtalk.commands.checks import check_target
from kmtalk.commands.prepare import metres
from kmtalk.commands.terminal import say
from kmtalk.errors import InputError


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command and its options."""
    parser = commands.add_parser(
        "score",
        help="score animations of any system against true motion",
        description="Score animations of any system against true motion, with the field's metrics as published: a "
        "folder of CLIP.npy or .npz, or a checkpoint, against a prepared data set, or one file against another.",
        epilog="Each number comes with its definition; docs/researchers.md names their sources. Write predictions of "
        "kmtalk with `animate --no-life`: blinks and brows are not the model's, but would count in FDD and MVE.",
    )
    parser.add_argument("prediction", type=Path, help="a folder of predictions, a checkpoint, or one .npz or .npy")
    parser.add_argument(
        "--truth", type=Path, required=True, metavar="DIR_OR_FILE", help="a prepared data set, or one .npz or .npy"
    )
    parser.add_argument("--split", default="test", help="of the data set (default: test)")
    parser.add_argument("--unit", default="m", help="of the predictions: m (default), cm, mm, or metres per unit")
    parser.add_argument("--fps", type=float, help="of .npy files that are scored against each other")
    parser.add_argument("--template", type=Path, help=".ply or .obj of the neutral face of .npy files, in metres")
    parser.add_argument("--json", type=Path, help="write every clip's scores to this file")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it and return the exit code."""
    from kmtalk.animate import load_model
    from kmtalk.data.prepared import load_prepared
    from kmtalk.takes import read_take, score_model, score_set, score_take, summary, table, write_json

    check_target(options.json)
    for path in (options.prediction, options.truth):
        if not path.exists():
            raise InputError(f"there is no {path}: check its name")
    if options.truth.is_dir() and not options.prediction.is_dir():
        raise InputError(f"a data set is scored against a checkpoint or a folder, {options.prediction} is neither")
    unit, metres_per_unit = metres(options.unit), 1.0
    if options.truth.is_dir():
        prepared = load_prepared(options.truth)
        metres_per_unit = prepared.metres_per_unit
        if (options.prediction / "model.safetensors").is_file():
            results = score_model(load_model(options.prediction), prepared, options.split)
        else:
            results = score_set(options.prediction, prepared, options.split, unit)
    else:
        truth = read_take(options.truth, fps=options.fps, template=options.template)
        results = {options.prediction.stem: score_take(read_take(options.prediction, truth, unit=unit), truth)}
    say(table(summary(results), metres_per_unit))
    if options.json:
        write_json(results, options.json)
    return 0
