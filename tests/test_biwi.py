import io
import pickle
import shutil
import tarfile

import numpy as np
import pytest
import replicas
import soundfile

from kmtalk.data.biwi import METRES_PER_UNIT, SEEN, SPLITS, UNSEEN
from kmtalk.data.biwi_scans import normalise
from kmtalk.data.meshes import area
from kmtalk.data.preparing import find_source, prepare, report
from kmtalk.data.source import SourceOptions
from kmtalk.errors import InputError

FACE = replicas.tiny_face()
SUBJECTS, SENTENCES = ["F1", "F2", "M3"], ["e01", "e33", "e37"]


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return replicas.biwi_published(tmp_path_factory.mktemp("biwi") / "set", SUBJECTS, SENTENCES)


@pytest.fixture
def copy(published, tmp_path):
    shutil.copytree(published, tmp_path / "biwi")
    return tmp_path / "biwi"


def _prepare(folder, out, **options):
    return prepare(find_source("biwi", folder, SourceOptions(**options)), out, basis=4)


def _rewrite(archive, change):
    """Pass every member of an archive, (name, data), through a function that returns what to keep, or None."""
    with tarfile.open(archive) as old:
        members = [(member.name, old.extractfile(member).read()) for member in old.getmembers()]
    with tarfile.open(archive, "w") as new:
        for name, data in members:
            kept = change(name, data)
            if kept is not None:
                header = tarfile.TarInfo(kept[0])
                header.size = len(kept[1])
                new.addfile(header, io.BytesIO(kept[1]))


def test_splits_are_the_published_ones():
    clips = {split: len(subjects) * len(numbers) for split, (subjects, numbers) in SPLITS.items()}
    assert clips == {"train": 192, "validation": 24, "test": 24, "test-b": 32}
    assert len({*SEEN, *UNSEEN}) == 14


def test_published_files(published, tmp_path):
    prepared = _prepare(published, tmp_path / "out")
    assert prepared.fps == 25
    assert prepared.splits == {
        "train": ("F2_e01", "M3_e01"),
        "validation": ("F2_e33", "M3_e33"),
        "test": ("F2_e37", "M3_e37"),
        "test-b": ("F1_e37",),
    }
    template = FACE.vertices * 1000 * 1.02
    motion = replicas.moving(replicas.tiny_face(1000), template, 30, 25, 0)[7]
    upright = motion - motion.mean(0)
    expected = upright / np.sqrt(area(upright, FACE.triangles)) * METRES_PER_UNIT
    np.testing.assert_allclose(prepared.vertices("F2_e01")[7], expected, atol=1e-7)
    for vertices in (prepared.template("M3"), prepared.vertices("M3_e33")[0]):
        assert area(vertices / METRES_PER_UNIT, FACE.triangles) == pytest.approx(1, abs=1e-5)
        np.testing.assert_allclose(vertices.mean(0), 0, atol=1e-7)
    assert prepared.metres_per_unit == 0.2
    assert len(prepared.audio("F2_e01")) == pytest.approx(30 / 25 * 16000, abs=2)


def test_loose_frames_and_an_eight_byte_count(tmp_path):
    for tar in (True, False):
        replicas.biwi_published(tmp_path / str(tar), ["F2"], ["e01"], tar=tar)
    for file in (tmp_path / "False" / "faces" / "F2" / "e01").iterdir():
        data = file.read_bytes()
        file.write_bytes(data[:4] + bytes(4) + data[4:])
    loose, archived = (_prepare(tmp_path / str(tar), tmp_path / f"out {tar}") for tar in (False, True))
    np.testing.assert_array_equal(loose.vertices("F2_e01"), archived.vertices("F2_e01"))


def test_frames_that_are_cut_short_are_filled_in(copy, tmp_path):
    def cut(name, data):
        return name, data[:100] if name.endswith("frame_011.vl") else data

    _rewrite(copy / "faces" / "F2" / "e01.tar", cut)
    prepared = _prepare(copy, tmp_path / "out")
    assert "F2_e01: 1 of its frames are cut short" in "\n".join(prepared.notes)
    filled = prepared.vertices("F2_e01")
    assert len(filled) == 30
    np.testing.assert_allclose(filled[10], (filled[9] + filled[11]) / 2, atol=1e-6)


def test_a_sentence_with_many_bad_frames_is_left_out(copy, tmp_path):
    _rewrite(copy / "faces" / "F2" / "e01.tar", lambda name, data: (name, data[:-1] if "2" in name else data))
    prepared = _prepare(copy, tmp_path / "out")
    assert "F2_e01 left out: 12 of 30 .vl files" in "\n".join(prepared.notes)
    assert prepared.splits["train"] == ("M3_e01",)
    assert "missing: F2 (train): e01 to e32" not in report(prepared)
    assert "missing: F2 (train): none of its 32 sentences" in report(prepared)


def test_a_frame_that_is_not_numbers(copy, tmp_path):
    def spoil(name, data):
        return name, data[:4] + np.float32(np.nan).tobytes() + data[8:] if name.endswith("frame_011.vl") else data

    _rewrite(copy / "faces" / "F2" / "e01.tar", spoil)
    assert "F2_e01 left out: frame 11" in "\n".join(_prepare(copy, tmp_path / "out").notes)


def test_archives_are_never_unpacked(copy, tmp_path):
    archive = copy / "faces" / "F2" / "e01.tar"
    _rewrite(archive, lambda name, data: (f"../../../escaped/{name}", data))
    with tarfile.open(archive, "a") as file:
        link = tarfile.TarInfo("frame_999.vl")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        file.addfile(link)
    prepared = _prepare(copy, tmp_path / "out")
    assert prepared.index["F2_e01"].frames == 30
    assert not list(tmp_path.rglob("escaped"))


def test_an_archive_that_is_none(copy, tmp_path):
    (copy / "faces" / "F2" / "e01.tar").write_bytes(b"<html>" * 200)
    assert "F2_e01 left out" in "\n".join(_prepare(copy, tmp_path / "out").notes)


def test_converted_folders(tmp_path):
    replicas.biwi_converted(tmp_path / "biwi", SUBJECTS, SENTENCES)
    prepared = _prepare(tmp_path / "biwi", tmp_path / "out", everything=True)
    stored = np.load(tmp_path / "biwi" / "vertices_npy" / "M3_e01.npy")
    assert stored.dtype == np.float64
    np.testing.assert_allclose(prepared.vertices("M3_e01").reshape(30, -1), stored * 0.2, atol=1e-7)
    assert len(prepared.clips()) == 9
    assert prepared.splits["test-b"] == ("F1_e37",)


def test_regions_of_codetalker(copy, tmp_path):
    (copy / "regions").mkdir()
    (copy / "regions" / "lve.txt").write_text("5, 3, 4, 4")
    (copy / "regions" / "fdd.txt").write_text("20, 21")
    prepared = _prepare(copy, tmp_path / "out")
    assert prepared.regions["lips"].tolist() == [3, 4, 5]
    assert prepared.regions["upper_face"].tolist() == [20, 21]
    assert prepared.origins["upper_face"] == "regions/fdd.txt"


def test_lips_of_selftalk(copy, tmp_path):
    (copy / "BIWI_lip.pkl").write_bytes(pickle.dumps([9, 8], protocol=2))
    prepared = _prepare(copy, tmp_path / "out")
    assert prepared.regions["lips"].tolist() == [8, 9]
    assert "geometric" in prepared.origins["upper_face"]


@pytest.mark.parametrize("text", ["5, x", "", "504", "-1"])
def test_regions_that_are_none(copy, tmp_path, text):
    (copy / "lve.txt").write_text(text)
    with pytest.raises(InputError, match=r"lve\.txt"):
        _prepare(copy, tmp_path / "out")


def test_a_subject_without_template(copy, tmp_path):
    (copy / "rigid_scans" / "M3.obj").unlink()
    prepared = _prepare(copy, tmp_path / "out")
    assert "M3_e01 left out: subject M3 has no template" in "\n".join(prepared.notes)
    assert prepared.subjects == ("F1", "F2")


def test_sound_of_other_names_and_rates(copy, tmp_path):
    shutil.rmtree(copy / "audio")
    (copy / "wav").mkdir()
    sound, _ = replicas.speech(1.0, 22050)
    soundfile.write(copy / "wav" / "F2_E01.wav", np.stack([sound, sound], axis=1), 22050)
    prepared = _prepare(copy, tmp_path / "out")
    assert prepared.splits["train"] == ("F2_e01",)
    assert len(prepared.audio("F2_e01")) == pytest.approx(16000, abs=2)


def test_sound_and_motion_of_different_lengths_are_told(copy, tmp_path):
    sound, _ = replicas.speech(3.0, 44100)
    soundfile.write(copy / "audio" / "F2" / "e01.wav", sound, 44100)
    notes = "\n".join(_prepare(copy, tmp_path / "out").notes)
    assert (
        "in 1 clips sound and motion differ by more than 0.25 s; most in F2_e01, whose sound is 1.80 s longer" in notes
    )


def test_nothing_there(tmp_path):
    with pytest.raises(InputError, match="needs faces/ and rigid_scans/"):
        find_source("biwi", tmp_path, SourceOptions())
    (tmp_path / "faces").mkdir()
    with pytest.raises(InputError, match="no templates in"):
        find_source("biwi", tmp_path, SourceOptions())


def test_normalising_takes_out_place_and_size():
    turned = FACE.vertices * [1, -1, -1]
    one, other = normalise(turned, FACE.triangles), normalise(turned * 3 + 5, FACE.triangles)
    np.testing.assert_allclose(one, other, atol=1e-12)
    assert one[:, 1].argmax() == FACE.vertices[:, 1].argmax()


def test_sound_of_the_published_videos(copy, tmp_path):
    import subprocess

    import imageio_ffmpeg

    (copy / "videos").mkdir()
    for subject in SUBJECTS:
        for path in (copy / "audio" / subject).iterdir():
            made = copy / "videos" / f"{subject}_{path.stem}.flv"
            subprocess.run(
                [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", path, "-c:a", "aac", made], check=True
            )
    shutil.rmtree(copy / "audio")
    prepared = _prepare(copy, tmp_path / "out")
    assert len(prepared.clips()) == 7
    assert len(prepared.audio("F2_e01")) == pytest.approx(30 / 25 * 16000, abs=3000)
