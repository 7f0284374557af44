"""Pickles of data sets, opened without letting them run anything: arrays, dictionaries, numbers and text only."""

import io
import pickle
from collections import OrderedDict
from functools import cache
from pathlib import Path
from typing import NoReturn

import numpy as np

from kmtalk.errors import InputError

_LARGEST = 4 << 30  # bytes of one pickle: raw_audio_fixed.pkl, the largest known, is a twentieth of it


def read_pickle(path: Path) -> object:
    """Return what a pickle holds: NumPy arrays and numbers, dict, list, tuple, str, bytes, int, float, bool, None.

    Pickles of Python 2 are read with their byte strings as latin1. Errors: InputError for anything else, which is
    refused before it runs, and for damaged files.
    """
    size = path.stat().st_size
    if size > _LARGEST:
        raise InputError(f"{path} is a pickle of {size / 1e9:.1f} GB: at most {_LARGEST / 1e9:.1f} GB are read")
    try:
        with path.open("rb") as file:
            return _Restricted(file, encoding="latin1", path=path).load()
    except InputError:
        raise
    except Exception as error:  # a damaged pickle can raise nearly anything, and each means the same
        raise InputError(f"{path} is a damaged pickle, or none at all ({error}): download it again") from error


class _Encode:
    """Stands in for codecs.encode, by which Python 3 stores byte strings for Python 2."""

    __slots__ = ()

    def __call__(self, text: str, encoding: str) -> bytes:
        if encoding not in ("latin1", "latin-1", "ascii"):
            raise pickle.UnpicklingError(f"text in encoding {encoding!r}")
        return text.encode(encoding)


class _Restricted(pickle.Unpickler):
    """Knows the few names that arrays of any NumPy version are pickled with, and nothing else."""

    def __init__(self, file: io.BufferedReader, *, encoding: str, path: Path) -> None:
        super().__init__(file, encoding=encoding)
        self._path = path

    def find_class(self, module: str, name: str) -> object:
        module = module.replace("numpy._core", "numpy.core")
        if (module, name) in _allowed():
            return _allowed()[module, name]
        return self._refuse(f"{module}.{name}")

    def persistent_load(self, pid: object) -> NoReturn:
        self._refuse("an object outside itself")

    def _refuse(self, asked: str) -> NoReturn:
        raise InputError(
            f"{self._path} is not opened: it asks for {asked}, but a data set needs arrays, dictionaries and text only"
        )


@cache
def _allowed() -> dict[tuple[str, str], object]:
    reconstruct, arguments, _ = np.zeros(1).__reduce__()
    scalar = np.float64(0).__reduce__()[0]
    from_buffer = np.zeros(1).__reduce_ex__(5)[0]
    return {
        ("numpy.core.multiarray", "_reconstruct"): reconstruct,
        ("numpy.core.multiarray", "scalar"): scalar,
        ("numpy.core.numeric", "_frombuffer"): from_buffer,
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("_codecs", "encode"): _Encode(),
        ("collections", "OrderedDict"): OrderedDict,
    }
