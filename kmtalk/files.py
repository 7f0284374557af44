"""Folders for results, and files written so that a reader never meets half of one."""

import errno
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kmtalk.errors import InputError

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def make_folder(folder: Path) -> None:
    """Make a folder for results unless it is there.

    An OSError becomes an InputError that names the folder, or, where the disk is full or broken, an OSError that does.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        kind = OSError if error.errno in _NO_ROOM else InputError
        raise kind(f"{folder} cannot be used as a folder ({error.strerror}): choose another --out") from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a new name in the same folder and with the same suffix; on success that file becomes ``path``.

    Whatever goes wrong, no part of a file stays behind. An OSError becomes an InputError that names the path, or,
    where the disk is full or broken, an OSError that does.
    """
    if not path.parent.is_dir():
        raise InputError(f"{path} cannot be written: the folder {path.parent} does not exist")
    temporary = path.with_name(f".kmtalk-{secrets.token_hex(4)}{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        kind = OSError if error.errno in _NO_ROOM else InputError
        raise kind(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)
