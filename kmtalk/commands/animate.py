"""Make a face speak recordings."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from kmtalk.commands.terminal import fail, say, words
from kmtalk.errors import InputError

if TYPE_CHECKING:
    from kmtalk.face import Face
    from kmtalk.models.kmtalk import KMTalk

FORMATS = ("mp4", "npz", "json", "TextGrid", "glb", "csv", "obj.zip")
DEFAULT_FORMATS = "mp4,npz,json,TextGrid"


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command and its options."""
    parser = commands.add_parser("animate", help="make a face speak recordings")
    parser.add_argument("speech", nargs="+", type=Path, help="sound or video files, or folders of them")
    parser.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="folder to write to (default: here)")
    listed = f"some of {', '.join(FORMATS)}, with commas between (default: {DEFAULT_FORMATS})"
    parser.add_argument("--formats", default=DEFAULT_FORMATS, metavar="LIST", help=listed)
    parser.add_argument("--model", metavar="DIR_OR_HUB_ID", help="a checkpoint (default: the shipped one)")
    parser.add_argument("--revision", help="branch, tag or commit of a checkpoint on the Hub")
    told = parser.add_mutually_exclusive_group()
    told.add_argument("--transcript", metavar="TEXT", help="what is said, in English, for better phonemes")
    told.add_argument(
        "--alignment", type=Path, metavar="FILE.TextGrid", help="a TextGrid whose phones are taken as they are"
    )
    parser.add_argument(
        "--keys",
        choices=("phonemes", "uniform"),
        default="phonemes",
        help="where the key frames are: at the phonemes' boundaries (default), or every third frame",
    )
    parser.add_argument("--face", default="ari", help="ari (default), ben, cleo, or a folder with head.npz")
    parser.add_argument("--camera", default="front", help="front (default), three-quarter or close")
    parser.add_argument("--fps", type=float, default=25.0, help="frames a second, 20 to 120 (default: 25)")
    parser.add_argument("--size", type=int, default=512, help="pixels of the square video, even (default: 512)")
    parser.add_argument(
        "--renderer", choices=("moderngl", "pyrender"), default="moderngl", help="what draws (default: moderngl)"
    )
    parser.add_argument("--no-life", action="store_true", help="no blinks, gaze, brows and head motion")
    parser.add_argument("--seed", type=int, default=0, help="of blinks, gaze, brows and head motion (default: 0)")
    parser.add_argument("--device", default="cpu", help="where the model runs: cpu (default), cuda or auto")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run it and return the exit code."""
    from kmtalk.animate import load_model
    from kmtalk.batch import find_recordings, make_folder, spare_sources
    from kmtalk.face import load_face
    from kmtalk.render.camera import find_camera
    from kmtalk.render.frames import frame_size

    formats = _formats(options.formats)
    recordings = find_recordings(options.speech)
    if len(recordings) > 1 and (options.transcript is not None or options.alignment is not None):
        raise InputError(f"a transcript or an alignment is of one recording, {len(recordings)} were given: give one")
    if "mp4" in formats:
        frame_size(options.size), find_camera(options.camera)
    face = load_face(options.face)
    make_folder(options.out)
    targets = [options.out / f"{recording.stem}.{name}" for recording in recordings for name in formats]
    spare_sources([*recordings, *filter(None, [options.alignment])], targets)
    model = load_model(options.model, options.device, options.revision)
    code = 0
    for recording in recordings:
        try:
            for written in _animate_one(recording, model, face, formats, options):
                say(written)
        except InputError as error:
            code = fail(error, 2)
        except (OSError, RuntimeError, MemoryError) as error:
            code = max(code, fail(f"{recording}: {words(error)}", 1))
    return code


def _animate_one(
    recording: Path, model: "KMTalk", face: "Face", formats: list[str], options: argparse.Namespace
) -> Iterator[Path]:
    from kmtalk.animate import animate
    from kmtalk.export import export
    from kmtalk.render import render

    animation = animate(
        recording,
        model=model,
        face=face,
        fps=options.fps,
        keys=options.keys,
        transcript=options.transcript,
        alignment=options.alignment,
        life=not options.no_life,
        seed=options.seed,
    )
    for name in formats:
        path = options.out / f"{recording.stem}.{name}"
        if name == "mp4":
            render(animation, path, size=options.size, renderer=options.renderer, camera=options.camera)
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
