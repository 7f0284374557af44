"""Bring a data set of moving faces into kmtalk's layout."""

import argparse
from pathlib import Path

from kmtalk.commands.terminal import say, track
from kmtalk.errors import InputError

UNITS = {"m": 1.0, "cm": 0.01, "mm": 0.001}


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command and its options."""
    from kmtalk.data.readers import READERS

    parser = commands.add_parser(
        "prepare",
        help="bring a data set of moving faces into kmtalk's layout",
        description="Bring a data set of moving faces into kmtalk's layout: memory-mapped vertices in metres, 16 kHz "
        "sound, splits, regions and a basis. A stopped run is taken up again.",
        epilog=" ".join(f"{name}: {what}." for name, what in READERS.items())
        + " docs/researchers.md lists every file.",
    )
    parser.add_argument("kind", choices=tuple(READERS), help="what the folder holds, see below")
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of the files as downloaded")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    parser.add_argument("--basis", type=int, default=128, metavar="N", help="shapes to fit, 0 for none (default: 128)")
    parser.add_argument("--fps", type=float, help="frames a second to write (default: as published papers use)")
    parser.add_argument("--source-fps", type=float, metavar="FPS", help="of `folder`: frames a second as stored")
    parser.add_argument("--unit", help="of `folder`: m (default), cm, mm, or metres that one stored unit is")
    parser.add_argument("--everything", action="store_true", help="also the clips that no published split uses")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it and return the exit code."""
    from kmtalk.data.preparing import find_source, prepare, report
    from kmtalk.data.source import SourceOptions

    told = SourceOptions(options.fps, options.source_fps, metres(options.unit), options.everything)
    source = find_source(options.kind, options.folder, told)
    prepared = prepare(source, options.out, options.basis, track)
    say(report(prepared))
    say(f"written to {options.out}")
    return 0


def metres(unit: str | None) -> float | None:
    """Return the metres that one unit is, by its name or as a number; None stays None."""
    if unit is None or unit in UNITS:
        return UNITS.get(unit) if unit else None
    try:
        metres = float(unit)
    except ValueError:
        metres = 0.0
    if not 0 < metres < 1e3:
        raise InputError(f"--unit {unit}: give m, cm, mm, or the metres that one unit is, such as 0.2")
    return metres
