"""Which files a run of the command line reads, and that it never writes over one of them."""

import pytest

from kmtalk.batch import find_recordings, spare_sources
from kmtalk.errors import InputError


def touch(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_a_folder_gives_its_recordings_in_order_without_hidden_files_and_folders(tmp_path):
    talks = touch(tmp_path / "talks", "b.WAV", "a.flac", "._a.wav", "notes.txt")
    (talks / "c.wav").mkdir()
    assert find_recordings([talks]) == [talks / "a.flac", talks / "b.WAV"]
    assert find_recordings([tmp_path / "any name"]) == [tmp_path / "any name"]


def test_a_folder_without_recordings_is_a_sentence(tmp_path):
    with pytest.raises(InputError, match="no sound or video file in the folder"):
        find_recordings([touch(tmp_path / "talks", "notes.txt")])


def test_names_that_no_system_takes_are_a_sentence(tmp_path):
    with pytest.raises(InputError, match="cannot be opened"):
        find_recordings([tmp_path / ("a" * 300)])


def test_results_of_one_name_are_refused(tmp_path):
    one, two = touch(tmp_path / "one", "talk.wav"), touch(tmp_path / "two", "talk.mp3")
    with pytest.raises(InputError, match="would both write talk"):
        find_recordings([one, two])


def test_sources_are_not_written_over(tmp_path):
    talks = touch(tmp_path, "talk.mp4", "old.json")
    spare_sources([talks / "talk.mp4"], [talks / "old.json", talks / "new.mp4"])
    (tmp_path / "same").symlink_to(talks)
    for target in (talks / "talk.mp4", tmp_path / "same" / "talk.mp4"):
        with pytest.raises(InputError, match="talk.mp4 is read and would be written over"):
            spare_sources([talks / "talk.mp4", talks / "missing.wav"], [talks / "old.json", target])
