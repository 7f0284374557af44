"""An animation as a video with its sound."""

import os
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from kmtalk.errors import InputError
from kmtalk.files import replacing
from kmtalk.motion import Animation
from kmtalk.render.encoder import write_film
from kmtalk.render.frames import frames
from kmtalk.render.reel import Progress, Reel
from kmtalk.render.shot import TRANSPARENT, Shot, choose
from kmtalk.render.stack import write_stack

VIDEO_FORMATS = ("mp4", "webm", "png.zip")
"""The endings of the files that render() writes."""


def render(
    animation: Animation,
    path: str | Path,
    shot: Shot | None = None,
    *,
    progress: Progress | None = None,
    **settings: object,
) -> Path:
    """Write an animation as a video with sound, one picture for each of its frames, and return the path.

    By suffix: .mp4 is H.264 (yuv420p) and AAC, playable while it loads; .webm is VP9 and Opus, and .png.zip numbered
    pictures and a WAV file, both transparent behind the head unless the shot has a background.
    settings: fields of the shot, such as size=720, camera="close". progress is called after each frame; if it
    raises, the work stops and nothing is left behind. Raises InputError for what is not allowed, an animation without
    frames, or where OpenGL does not start.
    """
    path = check_path(Path(path))
    shot = suited(choose(shot, settings), path)
    if not animation.frames:
        raise InputError("cannot make a video of an animation that has no frames: the recording is too short")
    with closing(frames(animation, shot)) as pictures:
        reel = Reel(pictures, animation.audio, animation.fps, animation.frames, shot.pixels, shot.transparent)
        return write_video(reel, path, progress)


def write_video(reel: Reel, path: Path, progress: Progress | None = None) -> Path:
    """Write a reel as the kind of file that the path's suffix says."""
    with replacing(path) as unfinished:
        if path.suffix.lower() == ".zip":
            write_stack(reel, unfinished, progress)
        else:
            write_film(reel, unfinished, progress)
    return path


def check_path(path: Path) -> Path:
    """Return a path that a video can be written to, or say why it cannot be."""
    if not path.name.lower().endswith(tuple(f".{name}" for name in VIDEO_FORMATS)):
        raise InputError(f"cannot write {path.name!r}: a video's name must end in .mp4, .webm or .png.zip")
    if not path.parent.is_dir():
        raise InputError(f"cannot write {str(path)!r}: the folder {str(path.parent)!r} does not exist")
    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise InputError(f"cannot write {str(path)!r}: it is a folder, or its folder may not be written to")
    return path


def suited(shot: Shot, path: Path) -> Shot:
    """Return the shot with the background that a file of this kind has where none was chosen."""
    opaque = path.suffix.lower() == ".mp4"
    if opaque and shot.transparent:
        raise InputError(f"{path.name}: MP4 files are never transparent: write .webm or .png.zip, or take a background")
    return shot if opaque or shot.background else replace(shot, background=TRANSPARENT)
