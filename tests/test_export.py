"""Every exported file, read back by an independent reader."""

import csv
import io
import json
import tracemalloc
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from kmtalk.errors import InputError
from kmtalk.export import SUFFIXES, export
from kmtalk.export.csv import ARKIT_NAMES, head_turns, timecode
from kmtalk.face import Face, load_face
from kmtalk.motion import Animation, Motion
from kmtalk.phonemes import Phoneme, Word
from kmtalk.textgrid import read_textgrid

HEADER = (
    "Timecode,BlendshapeCount,EyeBlinkLeft,EyeLookDownLeft,EyeLookInLeft,EyeLookOutLeft,EyeLookUpLeft,EyeSquintLeft,"
    "EyeWideLeft,EyeBlinkRight,EyeLookDownRight,EyeLookInRight,EyeLookOutRight,EyeLookUpRight,EyeSquintRight,"
    "EyeWideRight,JawForward,JawLeft,JawRight,JawOpen,MouthClose,MouthFunnel,MouthPucker,MouthLeft,MouthRight,"
    "MouthSmileLeft,MouthSmileRight,MouthFrownLeft,MouthFrownRight,MouthDimpleLeft,MouthDimpleRight,MouthStretchLeft,"
    "MouthStretchRight,MouthRollLower,MouthRollUpper,MouthShrugLower,MouthShrugUpper,MouthPressLeft,MouthPressRight,"
    "MouthLowerDownLeft,MouthLowerDownRight,MouthUpperUpLeft,MouthUpperUpRight,BrowDownLeft,BrowDownRight,BrowInnerUp,"
    "BrowOuterUpLeft,BrowOuterUpRight,CheekPuff,CheekSquintLeft,CheekSquintRight,NoseSneerLeft,NoseSneerRight,"
    "TongueOut,HeadYaw,HeadPitch,HeadRoll"
)
PHONEMES = (Phoneme("sil", 0, 0.3), Phoneme("HH", 0.3, 0.35), Phoneme("AY", 0.35, 2.6), Phoneme("sil", 2.6, 2.8))

EDITS = ({"do": "move key", "frame": 7, "to": 8}, {"do": "shape key", "frame": 9, "jaw": 0.3})


def speaking(frames=70, fps=25.0, face=None):
    """An animation of random weights and a slowly turning head."""
    face = face or load_face("ari")
    generator = np.random.default_rng(0)
    weights = generator.uniform(0, 0.6, (frames, len(face.basis_names))).astype(np.float32)
    pose = np.zeros((frames, 6), np.float32)
    pose[:, 1], pose[:, 3] = np.linspace(-0.2, 0.3, frames), np.linspace(0, 0.01, frames)
    audio = np.zeros(round(frames / fps * 16000), np.float32)
    keys = np.array([0, 8, 9, frames - 1], np.int64)
    life = np.zeros_like(weights)
    life[:, :2] = weights[:, :2] / 2
    motion = Motion(weights, face.basis_names, fps, pose, life)
    words = (Word("Hi", 0.3, 2.6),)
    return Animation(audio, face, motion, PHONEMES, keys, weights[keys], "base", words=words, edits=EDITS)


def beginning(animation, frames):
    """The first frames of an animation."""
    motion = animation.motion
    parts = {name: getattr(motion, name)[:frames] for name in ("weights", "life", "head_pose")}
    return replace(animation, motion=replace(motion, **parts))


@pytest.fixture(scope="module")
def animation():
    return speaking()


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".textgrid", ".GLB", ".NPZ"])
def test_every_suffix_writes_one_file_and_nothing_else(animation, tmp_path, suffix):
    path = export(beginning(animation, 2), tmp_path / f"my.talk{suffix}")
    assert [item.name for item in tmp_path.iterdir()] == [f"my.talk{suffix}"]
    assert path.stat().st_size > 30


@pytest.mark.parametrize("name", ["talk.obj", "talk.zip", "talk", "talk.npz.txt", "npz"])
def test_other_suffixes_are_refused(animation, tmp_path, name):
    with pytest.raises(InputError, match=r"names no format: end it in one of \.npz, \.glb, \.csv, \.TextGrid, \.srt"):
        export(animation, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_failed_export_leaves_the_old_file_and_no_rest(animation, tmp_path):
    (tmp_path / "talk.csv").write_text("old")
    with pytest.raises(InputError):
        export(
            replace(animation, face=replace(animation.face), motion=replace(animation.motion, names=("a",) * 54)),
            tmp_path / "talk.csv",
        )
    assert [(item.name, item.read_text()) for item in tmp_path.iterdir()] == [("talk.csv", "old")]


def test_places_that_cannot_be_written(animation, tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        export(animation, tmp_path / "nowhere" / "talk.json")
    (tmp_path / "talk.json").mkdir()
    with pytest.raises(InputError, match="cannot be written: Is a directory"):
        export(animation, tmp_path / "talk.json")


def test_equal_animations_give_equal_files(animation, tmp_path):
    for suffix in (".npz", ".glb", ".csv", ".json", ".srt", ".TextGrid"):
        contents = [export(animation, tmp_path / f"{name}{suffix}").read_bytes() for name in "ab"]
        assert contents[0] == contents[1]


def test_npz_holds_the_contract(animation, tmp_path):
    with np.load(export(animation, tmp_path / "talk.npz"), allow_pickle=False) as packed:
        arrays = {name: packed[name] for name in packed.files}
    kinds = {name: (array.shape, array.dtype.kind, array.dtype.itemsize) for name, array in arrays.items()}
    assert {name: kind for name, kind in kinds.items() if kind[1] != "U"} == {
        "vertices": ((70, 6296, 3), "f", 4),
        "triangles": (animation.face.triangles.shape, "i", 4),
        "fps": ((), "f", 8),
        "key_frames": ((4,), "i", 8),
        "weights": ((70, 54), "f", 4),
        "phoneme_times": ((4, 2), "f", 8),
        "word_times": ((1, 2), "f", 8),
        "life": ((70, 54), "f", 4),
        "head_pose": ((70, 6), "f", 4),
    }
    assert np.allclose(arrays["vertices"], animation.vertices(), atol=1e-6)
    assert arrays["weight_names"].tolist() == list(animation.face.basis_names)
    assert arrays["phoneme_labels"].tolist() == ["sil", "HH", "AY", "sil"]
    assert arrays["phoneme_times"].tolist() == [[0, 0.3], [0.3, 0.35], [0.35, 2.6], [2.6, 2.8]]
    assert arrays["key_frames"].tolist() == [0, 8, 9, 69]
    assert np.array_equal(arrays["weights"], animation.weights)
    assert np.array_equal(arrays["life"], animation.motion.life)
    assert np.array_equal(arrays["head_pose"], animation.motion.head_pose)
    assert (arrays["word_texts"].tolist(), arrays["word_times"].tolist()) == (["Hi"], [[0.3, 2.6]])
    assert float(arrays["fps"]) == 25


def test_npz_without_phonemes_and_words(animation, tmp_path):
    with np.load(export(replace(animation, phonemes=(), words=()), tmp_path / "talk.npz")) as packed:
        assert packed["phoneme_times"].shape == packed["word_times"].shape == (0, 2)
        assert packed["phoneme_labels"].shape == packed["word_texts"].shape == (0,)


def test_npz_of_long_speech_needs_little_memory(tmp_path):
    animation = speaking(frames=600)
    tracemalloc.start()
    export(animation, tmp_path / "long.npz")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (tmp_path / "long.npz").stat().st_size > 45e6
    assert peak < 25e6


def test_json_holds_the_contract(animation, tmp_path):
    content = json.loads(export(animation, tmp_path / "talk.json").read_text())
    contract = ["fps", "duration", "frames", "phonemes", "key_frames", "model", "version"]
    assert list(content) == [*contract, "words", "edits"]
    assert (content["fps"], content["duration"], content["frames"]) == (25, 2.8, 70)
    assert content["phonemes"][1] == {"label": "HH", "start": 0.3, "end": 0.35}
    assert (content["key_frames"], content["model"]) == ([0, 8, 9, 69], "base")
    assert content["words"] == [{"text": "Hi", "start": 0.3, "end": 2.6}]
    assert content["edits"] == list(EDITS)
    assert isinstance(content["version"], str)
    assert content["version"]


def test_praatio_reads_the_textgrid(animation, tmp_path):
    from praatio.textgrid import openTextgrid

    path = export(animation, tmp_path / "talk.TextGrid")
    assert read_textgrid(path) == PHONEMES
    grid = openTextgrid(str(path), includeEmptyIntervals=True)
    assert (grid.minTimestamp, grid.maxTimestamp) == (0, 2.8)
    assert [tuple(interval) for interval in grid.getTier("words").entries if interval.label] == [(0.3, 2.6, "Hi")]
    phones = [(interval.label, interval.start, interval.end) for interval in grid.getTier("phones").entries]
    assert phones == [(phoneme.label, phoneme.start, phoneme.end) for phoneme in PHONEMES]
    points = [(point.label, point.time) for point in grid.getTier("key frames").entries]
    assert points == [("0", 0), ("8", 0.32), ("9", 0.36), ("69", 2.76)]


def test_a_textgrid_without_words_has_two_tiers(animation, tmp_path):
    from praatio.textgrid import openTextgrid

    path = export(replace(animation, words=()), tmp_path / "talk.TextGrid")
    assert openTextgrid(str(path), includeEmptyIntervals=True).tierNames == ("phones", "key frames")


def test_csv_is_live_links_layout(animation, tmp_path):
    text = export(animation, tmp_path / "talk.csv").read_text()
    assert text.splitlines()[0] == HEADER
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 70
    assert {row["BlendshapeCount"] for row in rows} == {"52"}
    assert [rows[index]["Timecode"] for index in (0, 24, 25, 69)] == [
        "00:00:00:00.000",
        "00:00:00:57.600",
        "00:00:01:00.000",
        "00:00:02:45.600",
    ]
    jaw = animation.weights[:, animation.face.basis_names.index("jawOpen")]
    assert np.allclose([float(row["JawOpen"]) for row in rows], jaw, atol=1e-6)
    assert np.allclose([float(row["HeadYaw"]) for row in rows], np.linspace(-0.2, 0.3, 70), atol=1e-6)
    assert {row["HeadRoll"] for row in rows} == {"0.000000"}


def test_pandas_reads_the_csv(animation, tmp_path):
    import pandas

    table = pandas.read_csv(export(animation, tmp_path / "talk.csv"))
    assert table.shape == (70, 57)
    assert table.dtypes.iloc[2:].unique().tolist() == [np.float64]
    blinks = animation.weights[:, animation.face.basis_names.index("eyeBlinkLeft")]
    assert np.allclose(table["EyeBlinkLeft"], blinks, atol=1e-6)
    # What Unreal's importer makes of the timecode: sixtieths of a second, whatever the frame rate.
    parts = table["Timecode"].str.split(":", expand=True).astype(float)
    assert np.allclose(parts @ [3600, 60, 1, 1 / 60], np.arange(70) / 25, atol=1e-5)


def test_arkits_names():
    assert len(set(ARKIT_NAMES)) == 52
    assert set(ARKIT_NAMES) == set(load_face("ari").basis_names) - {"tongueUp", "tongueBackUp"}


@pytest.fixture(scope="module")
def learned():
    """An animation of a small face in a learned basis: shapes without names, no look, no regions, no landmarks."""
    random = np.random.default_rng(2)
    template = random.normal(0, 0.1, (9, 3)).astype(np.float32)
    basis = random.normal(0, 0.01, (4, 9, 3)).astype(np.float32)
    triangles, names = np.int32([[0, 1, 2], [3, 4, 5], [6, 7, 8]]), ("component 0", "1", "2", "3")
    still, pivot = np.zeros(9, np.float32), np.zeros(3, np.float32)
    return speaking(frames=12, face=Face("FaceTalk", template, triangles, basis, names, {}, {}, still, pivot))


def test_csv_of_a_face_without_arkit_shapes(learned, tmp_path):
    with pytest.raises(InputError, match=r"'FaceTalk' has no ARKit shapes \(eyeBlinkLeft is one of 52 missing\)"):
        export(learned, tmp_path / "talk.csv")
    assert not list(tmp_path.iterdir())


def test_all_other_formats_hold_a_learned_basis(learned, tmp_path):
    import trimesh

    paths = {suffix: export(learned, tmp_path / f"talk{suffix}") for suffix in SUFFIXES if suffix != ".csv"}
    with np.load(paths[".npz"]) as packed:
        assert np.allclose(packed["vertices"], learned.vertices(), atol=1e-6)
        assert packed["weight_names"].tolist() == ["component 0", "1", "2", "3"]
    with zipfile.ZipFile(paths[".obj.zip"]) as archive:
        mesh = trimesh.load(io.BytesIO(archive.read("frame_000005.obj")), file_type="obj", process=False)
    assert np.allclose(mesh.vertices, learned.vertices(5)[0], atol=1e-6)
    assert len(trimesh.load(paths[".glb"]).geometry["FaceTalk"].vertices) == 9
    assert json.loads(paths[".json"].read_text())["frames"] == 12


@pytest.mark.parametrize(
    ("frame", "fps", "expected"),
    [
        (0, 25, "00:00:00:00.000"),
        (1, 25, "00:00:00:02.400"),
        (90000 + 26, 25, "01:00:01:02.400"),
        (59, 60, "00:00:00:59.000"),
        (60, 60, "00:00:01:00.000"),
        (2, 30, "00:00:00:04.000"),
        (30, 29.97, "00:00:01:00.060"),
        (2997, 29.97, "00:01:40:00.000"),
        (119999, 120000, "00:00:01:00.000"),
    ],
)
def test_timecode(frame, fps, expected):
    assert timecode(frame, fps) == expected


def test_head_turns_one_axis_at_a_time():
    pose = np.zeros((3, 6))
    pose[0, 1] = pose[1, 0] = pose[2, 2] = 0.25
    assert np.allclose(head_turns(pose), 0.25 * np.eye(3))


def test_obj_sequence(animation, tmp_path):
    with zipfile.ZipFile(export(beginning(animation, 3), tmp_path / "talk.obj.zip")) as archive:
        assert archive.namelist() == ["frame_000000.obj", "frame_000001.obj", "frame_000002.obj"]
        text = archive.read("frame_000002.obj").decode()
    import trimesh

    mesh = trimesh.load(io.StringIO(text), file_type="obj", process=False)
    assert np.allclose(mesh.vertices, animation.vertices(2, 3)[0], atol=1e-6)
    assert np.array_equal(mesh.faces, animation.face.triangles)
