"""Film one recording twice, side by side."""

import argparse
from copy import copy
from pathlib import Path

from kmtalk.commands.filming import add_filming, shot_of
from kmtalk.commands.speaking import add_speaking, settings_of
from kmtalk.commands.terminal import counting, say
from kmtalk.errors import InputError

_EXAMPLE = "such as --left keys=phonemes --right keys=uniform"


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command and its options."""
    parser = commands.add_parser(
        "compare",
        help="film a recording with two settings side by side",
        description="Film a recording with two settings side by side, each with its curve of the mouth and its key "
        "frames: OUT/NAME-comparison.mp4.",
    )
    parser.add_argument("speech", type=Path, help="a sound or video file")
    parser.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="folder to write to (default: here)")
    for side in ("left", "right"):
        told = f"options of the animation (below) for the {side} face alone, such as keys=uniform, face=ben or life=off"
        parser.add_argument(f"--{side}", nargs="+", default=[], metavar="NAME=VALUE", help=told)
    parser.add_argument("--titles", nargs=2, metavar=("LEFT", "RIGHT"), help="what is written above the faces")
    add_speaking(parser)
    add_filming(parser)
    parser.set_defaults(run=run, parser=type(parser))


def run(options: argparse.Namespace) -> int:
    """Run it and return the exit code."""
    from kmtalk.animate import animate
    from kmtalk.batch import spare_sources
    from kmtalk.files import make_folder
    from kmtalk.render.comparison import backed, render_comparison

    if options.left == options.right:
        raise InputError(f"both sides would be the same: say what differs, {_EXAMPLE}")
    shot, sides = backed(shot_of(options)), [_side(options, given) for given in (options.left, options.right)]
    make_folder(options.out)
    path = options.out / f"{options.speech.stem}-comparison.mp4"
    spare_sources([options.speech], [path])
    animations = [animate(options.speech, **settings_of(side)) for side in sides]
    titles = options.titles or [_title(given) for given in (options.left, options.right)]
    say(render_comparison(animations, path, titles, shot, progress=counting(path)))
    return 0


def _side(options: argparse.Namespace, given: list[str]) -> argparse.Namespace:
    """Return the options with those of one side in their place."""
    parser = options.parser(prog="python -m kmtalk compare", add_help=False, allow_abbrev=False)
    add_speaking(parser)
    known = list(vars(parser.parse_args([])))
    arguments = []
    for setting in given:
        name, equals, value = setting.partition("=")
        if not equals:
            raise InputError(f"{setting!r} is no setting: give NAME=VALUE, {_EXAMPLE}")
        if name not in known:
            raise InputError(f"{setting!r} cannot differ between the sides: what can is {', '.join(known)}")
        if name == "life" and value not in ("on", "off"):
            raise InputError(f"{setting!r} is no setting: give life=on or life=off")
        arguments.append({"life=on": "--life", "life=off": "--no-life"}.get(setting, f"--{setting}"))
    return parser.parse_args(arguments, copy(options))


def _title(given: list[str]) -> str:
    return ", ".join(setting.replace("=", ": ", 1) for setting in given) or "as usual"
