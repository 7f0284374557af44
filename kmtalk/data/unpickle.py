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


class _Restricted(pickle._Unpickler):  # the one written in Python: in no other can states be seen before they are set
    """Knows the few names that arrays of any NumPy version are pickled with, and nothing else."""

    dispatch = dict(pickle._Unpickler.dispatch)

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

    def load_build(self) -> None:
        """Set the state of a new array or of its data type, and of nothing else."""
        made, state = self.stack[-2:]
        if isinstance(made, np.dtype):
            self.stack[-1] = self._plain_state(made, state)
        elif not isinstance(made, np.ndarray) or made.size:  # another array may look at the memory of a filled one
            self._refuse(f"a change of {type(made).__name__}")
        super().load_build()

    dispatch[pickle.BUILD[0]] = load_build

    def _plain_state(self, dtype: np.dtype, state: tuple) -> tuple:
        """Return a data type's own state in the byte order asked for: a made-up one can pass off bytes as objects."""
        version, _, *own = dtype.__reduce__()[2]
        if dtype.kind not in "biufcSUO" or state[1] not in tuple("<>|=") or tuple(state[2:5]) != (None, None, None):
            self._refuse(f"an unusual data type ({dtype})")
        return (version, state[1], *own)

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
