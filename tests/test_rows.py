import numpy as np
import pytest

from kmtalk.data.rows import StoredRows, write_rows
from kmtalk.errors import InputError


@pytest.mark.parametrize("kind", ["<f4", "<f8", ">f4", "<i2"])
def test_rows_are_those_of_the_array(tmp_path, kind):
    array = np.arange(60).reshape(10, 2, 3).astype(kind)
    np.save(tmp_path / "a.npy", array)
    rows = StoredRows(tmp_path / "a.npy")
    assert len(rows) == 10
    assert rows.shape == (10, 2, 3)
    for wanted in ([0], [9], [0, 1, 2], [1, 3, 4, 5, 9], list(range(10))):
        read = rows[np.array(wanted)]
        assert read.dtype == np.float32
        np.testing.assert_array_equal(read, array[wanted])


def test_numpy_reads_what_is_written(tmp_path):
    array = np.random.default_rng(0).random((7, 4, 3))
    write_rows(tmp_path / "a.npy", array.shape, (array[start : start + 3] for start in range(0, 7, 3)))
    read = np.load(tmp_path / "a.npy", mmap_mode="r")
    assert read.dtype == np.float32
    np.testing.assert_array_equal(read, array.astype(np.float32))


def test_a_failure_leaves_no_file(tmp_path):
    def broken():
        yield np.zeros((1, 3))
        raise InputError("no")

    with pytest.raises(InputError):
        write_rows(tmp_path / "a.npy", (2, 3), broken())
    assert not list(tmp_path.iterdir())


def test_what_is_no_array(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((10, 3)))
    cut = tmp_path / "cut.npy"
    cut.write_bytes((tmp_path / "a.npy").read_bytes()[:-1])
    with pytest.raises(InputError, match="cut short: 367 of 368 bytes"):
        StoredRows(cut)
    (tmp_path / "b.npy").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"no \.npy array"):
        StoredRows(tmp_path / "b.npy")
    np.save(tmp_path / "t.npy", np.zeros((3, 10)).T)
    with pytest.raises(InputError, match="holds float64 column by column, not rows of numbers"):
        StoredRows(tmp_path / "t.npy")
    np.save(tmp_path / "c.npy", np.array([{"a": 1}], object), allow_pickle=True)
    with pytest.raises(InputError, match="not rows of numbers"):
        StoredRows(tmp_path / "c.npy")
