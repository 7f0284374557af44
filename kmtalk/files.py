"""Writing files so that a reader never meets half of one."""

import errno
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kmtalk.errors import InputError

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


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
