import collections
import io
import os
import pickle
import pickletools

import numpy as np
import pytest

from kmtalk.data.unpickle import read_pickle
from kmtalk.errors import InputError

VALUES = {
    "FaceTalk": {"sentence01": {0: 7, 1: 8}, "rate": 22000, "text": "yö"},
    "array": np.arange(6, dtype=np.float32).reshape(2, 3),
    "big-endian": np.arange(3, dtype=">i2"),
    "number": np.float64(2.5),
    "ordered": collections.OrderedDict(a=[1, (2.0, None, True)]),
    "bytes": b"\x00\xff",
    "strings": np.array(["a", "bc"]),
}


def _write(path, value, protocol):
    path.write_bytes(pickle.dumps(value, protocol=protocol))
    return path


@pytest.mark.parametrize("protocol", range(6))
def test_what_data_sets_hold_is_read(tmp_path, protocol):
    read = read_pickle(_write(tmp_path / "a.pkl", VALUES, protocol))
    assert read.keys() == VALUES.keys()
    for name, value in VALUES.items():
        if isinstance(value, np.ndarray):
            assert read[name].dtype.kind == value.dtype.kind
            np.testing.assert_array_equal(read[name], value)
        else:
            assert read[name] == value


def test_python_2_arrays_of_old_numpy_are_read(tmp_path):
    # What Python 2 wrote for {'a': np.array([1., 2.], '<f4')}: a byte string as the data, under NumPy's old names.
    data = np.array([1.0, 2.0], "<f4").tobytes()
    out = io.BytesIO()
    out.write(b"\x80\x02}U\x01acnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R")
    out.write(b"(K\x01K\x02\x85cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xff")
    out.write(b"K\x00tb\x89U" + bytes([len(data)]) + data + b"tbs.")
    path = tmp_path / "old.pkl"
    path.write_bytes(out.getvalue())
    pickletools.dis(out.getvalue(), out=io.StringIO())
    np.testing.assert_array_equal(read_pickle(path)["a"], [1.0, 2.0])


class _Attack:
    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


@pytest.mark.parametrize(
    ("function", "arguments"),
    [(os.system, ("touch {}",)), (eval, ("open('{}', 'w')",)), (getattr, ("", "upper")), (np.save, ("{}", 1))],
)
@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_code_is_refused_before_it_runs(tmp_path, function, arguments, protocol):
    victim = tmp_path / "victim"
    arguments = tuple(a.format(victim) if isinstance(a, str) else a for a in arguments)
    path = _write(tmp_path / "evil.pkl", {"a": _Attack(function, *arguments)}, protocol)
    with pytest.raises(InputError, match="is not opened: it asks for .*arrays, dictionaries and text only"):
        read_pickle(path)
    assert not victim.exists()


@pytest.mark.parametrize("cut", [0, 1, 20, 200])
def test_damaged_files_are_said_to_be(tmp_path, cut):
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps(VALUES)[:cut])
    with pytest.raises(InputError, match="damaged pickle"):
        read_pickle(path)


def test_no_pickle_at_all(tmp_path):
    path = tmp_path / "a.pkl"
    path.write_bytes(b"<html>404</html>")
    with pytest.raises(InputError, match="damaged pickle, or none at all"):
        read_pickle(path)


def test_objects_from_outside_are_refused(tmp_path):
    path = tmp_path / "a.pkl"
    path.write_bytes(b"\x80\x02U\x01aQ.")
    with pytest.raises(InputError, match="an object outside itself"):
        read_pickle(path)


class _Made:
    """Pickles as what a function makes of arguments, and then gives it a state."""

    def __init__(self, function, arguments, state):
        self.whole = function, arguments, state

    def __reduce__(self):
        return self.whole


def _array(dtype, state):
    rebuild = np.zeros(1).__reduce__()[0]
    return _Made(
        rebuild, (np.ndarray, (0,), b"b"), (1, (4,), _Made(np.dtype, (dtype, False, True), state), False, b"1" * 32)
    )


@pytest.mark.parametrize(
    "value",
    [
        _array("O8", (3, "|", None, None, None, -1, -1, 0)),  # flags that make 32 bytes pass for four objects
        _array("f8", (3, "<", None, ("a",), {"a": (np.dtype("O"), 0)}, 8, 8, 0)),
        _array("V8", (3, "|", None, None, None, 8, 1, 63)),
        _Made(np.ndarray, ((4,),), (1, (1,), np.dtype("f8"), False, b"1" * 8)),  # sets a filled array's memory free
        _Made(collections.OrderedDict, (), {"a": 1}),
    ],
)
def test_states_that_numpy_would_believe_are_refused(tmp_path, value):
    with pytest.raises(InputError, match="an unusual data type|a change of|not returning list"):
        read_pickle(_write(tmp_path / "a.pkl", {"a": value}, 2))
