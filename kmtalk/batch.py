"""The files that one run of the command line reads and writes, checked before any work is done."""

from collections.abc import Iterable
from pathlib import Path

from kmtalk.errors import InputError

SPEECH_SUFFIXES = frozenset(".wav .flac .mp3 .ogg .opus .m4a .aac .webm .mp4 .mov .mkv .avi .aiff .wma".split())
"""The endings of the files that are taken from a folder, in any case."""


def find_recordings(given: list[Path]) -> list[Path]:
    """Return the files given and the sound and video files of the folders given, hidden ones left out.

    Errors: InputError for a folder without any, and for two recordings whose results would have the same name.
    """
    recordings: list[Path] = []
    for path in given:
        try:
            found = _in_folder(path) if path.is_dir() else [path]
        except OSError as error:
            raise InputError(f"{path} cannot be opened ({error.strerror}): check its name and permissions") from error
        if not found:
            raise InputError(f"no sound or video file in the folder {path}: name files, or another folder")
        recordings += found
    stems: dict[str, Path] = {}
    for path in recordings:
        if path.stem in stems:
            raise InputError(f"{stems[path.stem]} and {path} would both write {path.stem}.*: rename one of them")
        stems[path.stem] = path
    return recordings


def spare_sources(sources: Iterable[Path], targets: Iterable[Path]) -> None:
    """Raise InputError where a target is one of the source files, which writing it would destroy."""
    read = {_identity(path) for path in sources} - {None}
    for target in targets:
        if _identity(target) in read:
            raise InputError(f"{target} is read and would be written over: choose another folder with --out")


def _in_folder(folder: Path) -> list[Path]:
    # Hidden files are no recordings: macOS leaves a "._talk.wav" beside each "talk.wav" on foreign disks.
    files = (file for file in folder.iterdir() if not file.name.startswith(".") and file.is_file())
    return sorted(file for file in files if file.suffix.lower() in SPEECH_SUFFIXES)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
