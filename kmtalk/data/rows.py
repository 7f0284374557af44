"""Rows of .npy files read and written a few at a time: a memory map would count every page it has touched."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from kmtalk.errors import InputError
from kmtalk.files import replacing


class StoredRows:
    """The rows of a .npy file of numbers, read when they are asked for; shape, dtype: of the whole array."""

    def __init__(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                version = np.lib.format.read_magic(file)
                header = (
                    np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                )
                self.shape, fortran, self.dtype = header(file)
                self._start = file.tell()
        except (OSError, ValueError, EOFError) as error:
            raise InputError(f"{path} is no .npy array ({error}): copy it again") from error
        if self.dtype.kind not in "fiu" or fortran or not self.shape:
            held = f"{self.dtype} column by column" if fortran else str(self.dtype)
            raise InputError(f"{path} holds {held}, not rows of numbers: save it with numpy.save as float32 in C order")
        self._row = int(np.prod(self.shape[1:], dtype=np.int64))
        whole = self._start + len(self) * self._row * self.dtype.itemsize
        if path.stat().st_size < whole:
            raise InputError(f"{path} is cut short: {path.stat().st_size} of {whole} bytes are there; copy it again")
        self.path = path

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """Return the rows of (n,) increasing numbers as (n, ...) float32."""
        rows = np.asarray(rows)
        taken = np.empty((len(rows), self._row), np.float32)
        breaks = [0, *(np.flatnonzero(np.diff(rows) != 1) + 1), len(rows)]
        with self.path.open("rb") as file:
            for start, stop in zip(breaks[:-1], breaks[1:], strict=True):
                file.seek(self._start + int(rows[start]) * self._row * self.dtype.itemsize)
                read = np.fromfile(file, self.dtype, (stop - start) * self._row)
                taken[start:stop] = read.reshape(-1, self._row)
        return taken.reshape(-1, *self.shape[1:])


def is_whole(path: Path, shape: tuple[int, ...]) -> bool:
    """Tell whether a .npy file of numbers is there, of that shape and not cut short."""
    try:
        return StoredRows(path).shape == shape
    except InputError:
        return False


def write_rows(path: Path, shape: tuple[int, ...], blocks: Iterable[np.ndarray]) -> None:
    """Write blocks of rows, one after the other, as a float32 .npy file of that shape in all."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
        for block in blocks:
            file.write(np.ascontiguousarray(block, "<f4").data)
