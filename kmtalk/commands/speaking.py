"""The options that say how a recording becomes an animation, for every command that makes one."""

import argparse
import json
from pathlib import Path

from kmtalk.animate import KEYS
from kmtalk.errors import InputError

_EDITS = "edits of key frames and phonemes, as saved on the page or written by --formats json (see kmtalk/edits.py)"


def add_speaking(parser: argparse.ArgumentParser) -> None:
    """Add the options of the animation."""
    group = parser.add_argument_group("the animation")
    group.add_argument("--model", metavar="DIR_OR_HUB_ID", help="a checkpoint (default: the shipped one)")
    group.add_argument("--revision", help="branch, tag or commit of a checkpoint on the Hub")
    told = group.add_mutually_exclusive_group()
    told.add_argument("--transcript", metavar="TEXT", help="what is said, for better phonemes")
    told.add_argument(
        "--alignment",
        type=Path,
        metavar="FILE.TextGrid",
        help="a TextGrid, as from the Montreal Forced Aligner, whose phones are taken as they are",
    )
    group.add_argument(
        "--language",
        default="en-us",
        help="of the transcript, such as fr-fr, de or ru; `espeak-ng --voices` lists them (default: %(default)s)",
    )
    group.add_argument(
        "--keys",
        choices=KEYS,
        help="where the key frames are: at the phonemes' boundaries, in their middles, or every third frame "
        "(default: where the model was trained to have them, the shipped one at the boundaries)",
    )
    group.add_argument("--edits", type=Path, metavar="FILE.json", help=_EDITS)
    group.add_argument("--face", help="ari (default), ben, cleo, or a folder with head.npz")
    group.add_argument("--style", help="one of a trained model's subjects (default: their mean)")
    group.add_argument("--fps", type=float, default=25.0, help="frames a second, 20 to 120 (default: 25)")
    group.add_argument(
        "--life",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="blinks, gaze, brows, breath and head motion, which the model does not make (default: with)",
    )
    group.add_argument("--seed", type=int, default=0, help="of blinks, gaze, brows and head motion (default: 0)")
    group.add_argument("--device", default="cpu", help="where the model runs: cpu (default), cuda or auto")


def settings_of(options: argparse.Namespace) -> dict[str, object]:
    """Return what animate() is to be called with; InputError where a face or a file is not there."""
    from kmtalk.animate import load_model
    from kmtalk.face import load_face

    return {
        "face": load_face(options.face) if options.face else None,
        "edits": read_edits(options.edits) if options.edits else None,
        "model": load_model(options.model, options.device, options.revision),
        "fps": options.fps,
        "keys": options.keys,
        "transcript": options.transcript,
        "language": options.language,
        "alignment": options.alignment,
        "style": options.style,
        "life": options.life,
        "seed": options.seed,
    }


def read_edits(path: Path) -> list[dict]:
    """Return the edits in a JSON file, a list or an object with one, as animate(edits=...) takes them."""
    try:
        edits = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): check its name and permissions") from error
    except (ValueError, RecursionError):
        raise InputError(f"{path} is no JSON: give a file with a list of edits") from None
    if isinstance(edits, dict):
        edits = edits.get("edits")  # what --formats json wrote
    if not isinstance(edits, list) or not all(isinstance(edit, dict) for edit in edits):
        raise InputError(f'{path} holds no list of edits, such as [{{"do": "delete key", "frame": 20}}]')
    return edits
