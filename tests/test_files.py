"""Files appear whole or not at all, folders are made or a sentence says why not."""

import errno

import pytest

from kmtalk.errors import InputError
from kmtalk.files import make_folder, replacing


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "talk.json"
    path.write_text("old")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.parent == tmp_path and temporary.suffix == ".json"
    assert path.read_text() == "new"


@pytest.mark.parametrize("trouble", [KeyboardInterrupt, ValueError])
def test_whatever_goes_wrong_nothing_is_left(tmp_path, trouble):
    with pytest.raises(trouble), replacing(tmp_path / "talk.json") as temporary:
        temporary.write_text("half")
        raise trouble
    assert list(tmp_path.iterdir()) == []


def test_a_long_name_leaves_room_for_the_temporary_one(tmp_path):
    path = tmp_path / ("a" * 250 + ".json")
    with replacing(path) as temporary:
        temporary.write_text("whole")
    assert path.read_text() == "whole"


def test_a_bad_place_is_bad_input_and_a_full_disk_is_not(tmp_path):
    for code, kind in ((errno.EACCES, InputError), (errno.EROFS, InputError), (errno.ENOSPC, OSError)):
        with pytest.raises(kind, match="talk.json cannot be written: ") as raised, replacing(tmp_path / "talk.json"):
            raise OSError(code, "why")
        assert isinstance(raised.value, InputError) == (kind is InputError)


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path):
    make_folder(tmp_path / "new" / "folder")
    make_folder(tmp_path / "new" / "folder")
    assert (tmp_path / "new" / "folder").is_dir()
    for name in ("file", "file/below"):
        (tmp_path / "file").touch()
        with pytest.raises(InputError, match="choose another --out"):
            make_folder(tmp_path / name)
