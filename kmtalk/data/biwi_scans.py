"""BIWI's own files: a .vl file a frame, loose in a folder or in a .tar archive, normalised as published papers do."""

import io
import re
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from kmtalk.data.meshes import area
from kmtalk.data.source import Frames
from kmtalk.errors import InputError

_FPS = 25
_MOST_DAMAGED = 0.1  # share of a sentence's frames that may be cut short before it is given up


@dataclass(frozen=True)
class _Scan:
    """One frame's file: its number, its size in bytes, and what reads it."""

    number: int
    size: int
    read: Callable[[], bytes]


def find_scans(path: Path, vertices: int, triangles: np.ndarray) -> tuple[np.ndarray, Frames, str]:
    """Return a sentence's (N,) frame times in seconds, what reads its frames, and a note on frames that are unusable.

    path: a folder of .vl files or a .tar of them, which is read in place and never unpacked. Frames are numbered by
    the last digits of their names. Errors: InputError where too few frames are whole.
    """
    scans = sorted(_loose(path) if path.is_dir() else _archived(path), key=lambda scan: scan.number)
    whole = [scan for scan in scans if scan.size - vertices * 12 in (4, 8)]
    if not scans:
        raise InputError(f"{path} holds no .vl file: unpack the published faces there")
    if len(whole) < (1 - _MOST_DAMAGED) * len(scans):
        sizes = sorted({scan.size for scan in scans})
        raise InputError(
            f"{len(scans) - len(whole)} of {len(scans)} .vl files in {path} are not of {vertices} vertices "
            f"({vertices * 12 + 4} bytes; found {sizes[0]} to {sizes[-1]}): copy them again"
        )
    numbers = np.array([scan.number for scan in whole])
    if len(np.unique(numbers)) != len(numbers):
        raise InputError(f"{path} holds two .vl files of the same number: keep one of each")
    lacking = numbers[-1] - numbers[0] + 1 - len(numbers)
    note = f"{lacking} of its frames are cut short or not there and were filled in from their neighbours"

    def frames(rows: np.ndarray) -> np.ndarray:
        return np.stack([normalise(_vertices(whole[row], path), triangles) for row in rows]).astype(np.float32)

    return (numbers - numbers[0]) / _FPS, frames, note if lacking else ""


def normalise(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Return (V, 3) vertices turned upright, around their mean, with an area of 1, as CodeTalker's scripts do.

    The reference turns by 180 degrees about x and scales each frame by its own area.
    """
    upright = vertices * np.array([1.0, -1.0, -1.0])
    upright -= upright.mean(0)
    return upright / np.sqrt(area(upright, triangles))


def _vertices(scan: _Scan, path: Path) -> np.ndarray:
    """One frame: a count (4 or 8 bytes, by the writing machine), then x, y, z of each vertex as float32."""
    data = scan.read()
    head = len(data) % 12
    count = int.from_bytes(data[:head], "little")
    if head not in (4, 8) or len(data) != head + count * 12:
        raise InputError(f"frame {scan.number} of {path} is damaged: copy it again")
    vertices = np.frombuffer(data, "<f4", offset=head).reshape(-1, 3).astype(np.float64)
    if not np.isfinite(vertices).all():
        raise InputError(f"frame {scan.number} of {path} holds values that are no numbers: copy it again")
    return vertices


def _loose(path: Path) -> list[_Scan]:
    return [_Scan(_number(file.name), file.stat().st_size, file.read_bytes) for file in path.glob("*.vl")]


def _archived(path: Path) -> list[_Scan]:
    try:
        with tarfile.open(path, "r:") as archive:
            members = [m for m in archive.getmembers() if m.isreg() and m.name.lower().endswith(".vl")]
            members = [member for member in members if not member.issparse()]
    except (tarfile.TarError, OSError, EOFError) as error:
        raise InputError(f"{path} is damaged or no archive ({error}): copy it again") from error
    return [_Scan(_number(member.name), member.size, _reader(path, member)) for member in members]


def _reader(path: Path, member: tarfile.TarInfo) -> Callable[[], bytes]:
    def read() -> bytes:
        # An uncompressed archive holds its members as they are, so that no archive has to stay open.
        with path.open("rb", buffering=io.DEFAULT_BUFFER_SIZE) as file:
            file.seek(member.offset_data)
            return file.read(member.size)

    return read


def _number(name: str) -> int:
    digits = re.findall(r"\d+", PurePosixPath(name).stem)
    if not digits:
        raise InputError(f"{name} has no frame number in its name: restore the published names")
    return int(digits[-1])
