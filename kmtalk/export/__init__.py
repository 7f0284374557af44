"""Animations as files for other programs; one module a format, each with ``write(animation, binary_file)``."""

from importlib import import_module
from pathlib import Path

from kmtalk.errors import InputError
from kmtalk.files import replacing
from kmtalk.motion import Animation

SUFFIXES = {
    ".npz": "npz",
    ".glb": "glb",
    ".csv": "csv",
    ".TextGrid": "textgrid",
    ".srt": "srt",
    ".json": "json",
    ".obj.zip": "obj",
}
"""The suffixes that export() knows, and the module of each."""


def export(animation: Animation, path: str | Path) -> Path:
    """Write an animation in the format that the path's suffix names, and return the path.

    Suffixes: .npz .glb .csv .TextGrid .srt .json .obj.zip, in any case. The file appears whole or not at all.
    Errors: InputError for another suffix, or where the file cannot be written or the format cannot hold the face.
    """
    path = Path(path)
    module = next((module for suffix, module in SUFFIXES.items() if path.name.lower().endswith(suffix.lower())), None)
    if module is None:
        raise InputError(f"{path.name!r} names no format: end it in one of {', '.join(SUFFIXES)}")
    write = import_module(f"kmtalk.export.{module}").write
    with replacing(path) as temporary, temporary.open("wb") as file:
        write(animation, file)
    return path
