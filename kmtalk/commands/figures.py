"""Draw figures of animations and the truth."""

import argparse
from pathlib import Path

from kmtalk.commands.prepare import metres
from kmtalk.commands.terminal import say
from kmtalk.errors import InputError


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command and its options."""
    parser = commands.add_parser(
        "figures",
        help="draw figures for papers: errors on the face, key frames on the lip curve, methods side by side",
        description="Draw errors.png (distance from the truth as colours on the face), curve.png (lip opening, key "
        "frames and phonemes over time) and faces.png (methods side by side) of animations from any system.",
    )
    parser.add_argument("predictions", nargs="+", type=Path, help=".npz of kmtalk or .npy (T, V, 3) of any system")
    parser.add_argument("--truth", type=Path, help="a prepared data set (with --clip), or one .npz or .npy")
    parser.add_argument("--clip", help="which clip of the data set")
    parser.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="folder to write to (default: here)")
    parser.add_argument("--format", choices=("png", "pdf", "svg"), default="png", help="default: png")
    parser.add_argument("--times", help="seconds to show, with commas between (default: 6, mouth open and closed)")
    parser.add_argument("--names", help="what to call the predictions, with commas between (default: their files)")
    parser.add_argument("--largest", type=float, metavar="MM", help="error of the last colour (default: by the data)")
    parser.add_argument("--camera", help="front, three-quarter or close (default: the face alone, from ahead)")
    parser.add_argument("--unit", default="m", help="of the predictions: m (default), cm, mm, or metres per unit")
    parser.add_argument("--fps", type=float, help="of .npy files without a data set")
    listed = ".ply or .obj of the neutral face of .npy files, in the unit of the truth, without one in --unit"
    parser.add_argument("--template", type=Path, help=listed)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it and return the exit code."""
    from kmtalk.files import make_folder
    from kmtalk.takes import figures

    truth, predictions = _takes(options)
    frames = _frames(options.times, truth or predictions[0])
    drawn = {"faces": lambda: figures.comparison_figure([*filter(None, [truth]), *predictions], frames, options.camera)}
    if (truth or predictions[0]).lips is not None:
        drawn["curve"] = lambda: figures.curve_figure(predictions, truth)
    if truth is not None:
        drawn["errors"] = lambda: figures.error_figure(predictions, truth, frames, options.largest, options.camera)
    make_folder(options.out)
    made = {name: draw() for name, draw in drawn.items()}  # all of them before one is written over an older one
    for name, figure in made.items():
        say(figures.save_figure(figure, options.out / f"{name}.{options.format}"))
    return 0


def _takes(options: argparse.Namespace) -> tuple[object, list]:
    """The truth, where there is one, and the predictions, all of one mesh, rate and length."""
    from dataclasses import replace

    from kmtalk.data.prepared import load_prepared
    from kmtalk.metrics import check_frames
    from kmtalk.takes import read_take, take_of

    truth = None
    if options.truth is not None and options.truth.is_dir():
        prepared = load_prepared(options.truth)
        if options.clip is None:
            raise InputError(f"which clip of {options.truth}? give --clip, such as --clip {next(iter(prepared.index))}")
        truth = replace(take_of(prepared, options.clip), name="truth")
    elif options.truth is not None:
        truth = replace(read_take(options.truth, fps=options.fps, template=options.template), name="truth")
    like, predictions = truth, []
    for path in options.predictions:
        template = options.template if like is None else None
        take = read_take(path, like, unit=metres(options.unit), fps=options.fps, template=template)
        predictions.append(take)
        like = like or take
    names = (
        [name.strip() for name in options.names.split(",")] if options.names else [take.name for take in predictions]
    )
    if len(names) != len(predictions):
        raise InputError(f"{len(predictions)} predictions have {len(names)} names: give one for each in --names")
    if other := next((take for take in predictions if take.fps != like.fps), None):
        raise InputError(
            f"{other.name} runs at {other.fps:g} frames a second, {like.name} at {like.fps:g}: make both at one rate"
        )
    shared = min(check_frames(take.vertices, like.vertices) for take in predictions)
    cut = [
        replace(take, name=name, vertices=take.vertices[:shared]) for take, name in zip(predictions, names, strict=True)
    ]
    return (replace(truth, vertices=truth.vertices[:shared]) if truth else None), cut


def _frames(times: str | None, take: object) -> list[int]:
    from kmtalk.takes.figures import choose_frames

    if times is None:
        return choose_frames(take).tolist()
    try:
        frames = [round(float(time) * take.fps) for time in times.split(",")]
    except (ValueError, OverflowError) as error:
        raise InputError(f"--times {times}: give seconds with commas between, such as 0.4,1.25") from error
    if not all(0 <= frame < len(take.vertices) for frame in frames):
        raise InputError(f"--times {times}: the animation is {len(take.vertices) / take.fps:.2f} s long")
    return frames
