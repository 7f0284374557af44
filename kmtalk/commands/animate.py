"""Make a face speak recordings."""

import argparse
from collections.abc import Iterator
from pathlib import Path

from kmtalk.commands.filming import add_filming, shot_of
from kmtalk.commands.speaking import add_speaking, settings_of
from kmtalk.commands.terminal import counting, fail, say, track, words
from kmtalk.errors import InputError
from kmtalk.export import SUFFIXES
from kmtalk.render import VIDEO_FORMATS, Shot

FORMATS = (*VIDEO_FORMATS, *(suffix.removeprefix(".") for suffix in SUFFIXES))
DEFAULT_FORMATS = "mp4,npz,json,TextGrid"


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command and its options."""
    parser = commands.add_parser(
        "animate",
        help="make a face speak recordings",
        description="Make a face speak recordings: write OUT/NAME.FORMAT for each recording and each format, over "
        "what has that name. One bad recording does not stop the others. Exit code: 0 if all succeeded, 2 for input "
        "that cannot be used, 1 for any other failure.",
    )
    parser.add_argument(
        "speech", nargs="+", type=Path, help="sound or video files, or folders of them (not what is in their folders)"
    )
    parser.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="folder to write to (default: here)")
    listed = f"some of {', '.join(FORMATS)}, with commas between (default: {DEFAULT_FORMATS})"
    parser.add_argument("--formats", default=DEFAULT_FORMATS, metavar="LIST", help=listed)
    add_speaking(parser)
    add_filming(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it and return the exit code."""
    from kmtalk.batch import find_recordings, spare_sources
    from kmtalk.files import make_folder
    from kmtalk.render.video import suited

    formats, shot = _formats(options.formats), shot_of(options)
    recordings = find_recordings(options.speech)
    of_one = [options.transcript, options.alignment, options.edits]
    if len(recordings) > 1 and any(given is not None for given in of_one):
        raise InputError(
            f"a transcript, an alignment and edits are of one recording, {len(recordings)} were given: give one"
        )
    if "srt" in formats and options.transcript is None and options.alignment is None:
        raise InputError("srt needs the words: give --transcript, or --alignment with a tier of words")
    shots = {name: suited(shot, Path(f"video.{name}")) for name in formats if name in VIDEO_FORMATS}
    make_folder(options.out)
    targets = [options.out / f"{recording.stem}.{name}" for recording in recordings for name in formats]
    spare_sources([*recordings, *filter(None, [options.alignment, options.edits])], targets)
    settings = settings_of(options)
    code = 0
    for recording in recordings:
        try:
            for written in _animate_one(recording, settings, formats, shots, options.out):
                say(written)
        except InputError as error:
            code = fail(error, 2)
        except (OSError, RuntimeError, MemoryError) as error:
            code = max(code, fail(f"{recording}: {words(error)}", 1))
    return code


def _animate_one(
    recording: Path, settings: dict[str, object], formats: list[str], shots: dict[str, Shot], out: Path
) -> Iterator[Path]:
    from kmtalk.animate import animate
    from kmtalk.export import export
    from kmtalk.render import render

    animation = animate(recording, progress=lambda stage, share: track(share, f"{recording}: {stage}"), **settings)
    for name in formats:
        path = out / f"{recording.stem}.{name}"
        if name in shots:
            render(animation, path, shots[name], progress=counting(path))
        else:
            export(animation, path)
        yield path


def _formats(listed: str) -> list[str]:
    known = {name.lower(): name for name in FORMATS}
    wanted = [name.strip() for name in listed.split(",") if name.strip()]
    if unknown := [name for name in wanted if name.lower() not in known]:
        raise InputError(f"no format {unknown[0]!r}: --formats takes {', '.join(FORMATS)}")
    if not wanted:
        raise InputError(f"--formats names no format: it takes {', '.join(FORMATS)}")
    return list(dict.fromkeys(known[name.lower()] for name in wanted))
