import pickle
import shutil

import numpy as np
import pytest
import replicas
import soundfile

from kmtalk.data.preparing import find_source, prepare, report
from kmtalk.data.source import SourceOptions
from kmtalk.data.vocaset import HOLES, SPLITS, TEST, TRAIN, VALIDATION
from kmtalk.errors import InputError

SUBJECTS = [TRAIN[0], TRAIN[4], VALIDATION[0], TEST[0]]
SENTENCES = ["sentence01", "sentence21", "sentence22"]


@pytest.fixture(scope="module")
def downloaded(tmp_path_factory):
    return replicas.vocaset(tmp_path_factory.mktemp("voca"), SUBJECTS, SENTENCES)


@pytest.fixture
def copy(downloaded, tmp_path):
    shutil.copytree(downloaded, tmp_path / "voca")
    return tmp_path / "voca"


def _prepare(folder, out, **options):
    return prepare(find_source("vocaset", folder, SourceOptions(**options)), out, basis=4)


def _edit(path, change):
    values = pickle.loads(path.read_bytes())
    change(values)
    path.write_bytes(pickle.dumps(values, protocol=2))


def test_splits_are_the_published_ones():
    assert [len(subjects) for subjects, _ in SPLITS.values()] == [8, 2, 2]
    assert len({subject for subjects, _ in SPLITS.values() for subject in subjects}) == 12
    assert [len(numbers) for _, numbers in SPLITS.values()] == [40, 20, 20]


def test_published_files(downloaded, tmp_path):
    prepared = _prepare(downloaded, tmp_path / "out")
    assert prepared.fps == 30
    assert prepared.splits["train"] == tuple(f"{s}_{n}" for s in (TRAIN[0], TRAIN[4]) for n in SENTENCES)
    assert prepared.splits["validation"] == tuple(f"{VALIDATION[0]}_{n}" for n in SENTENCES[1:])
    assert prepared.splits["test"] == tuple(f"{TEST[0]}_{n}" for n in SENTENCES[1:])
    stored = np.load(downloaded / "data_verts.npy")
    for place, clip in enumerate([f"{s}_{n}" for s in SUBJECTS for n in SENTENCES]):
        if clip in prepared.index:
            # Every second of 60 frames, as all loaders of the field take them, in metres as they are.
            np.testing.assert_array_equal(prepared.vertices(clip), stored[40 * place : 40 * place + 40 : 2])
    templates = pickle.loads((downloaded / "templates.pkl").read_bytes())
    np.testing.assert_allclose(prepared.template(TEST[0]), templates[TEST[0]], atol=1e-7)
    np.testing.assert_array_equal(prepared.triangles, replicas.tiny_face().triangles)
    audio = prepared.audio(f"{TRAIN[0]}_sentence01")
    assert len(audio) == round(40 / 60 * 16000)
    assert prepared.index[f"{TRAIN[0]}_sentence01"].seconds == pytest.approx(40 / 60, abs=1e-3)


def test_the_report_counts_and_names_what_is_missing(downloaded, tmp_path):
    said = report(_prepare(downloaded, tmp_path / "out"))
    assert "10 clips of 4 subjects" in said
    assert "train: 6 clips" in said
    assert f"missing: {TRAIN[0]} (train): sentence02 to sentence20, sentence23 to sentence40" in said
    assert f"missing: {TRAIN[1]} (train): none of its 40 sentences" in said
    assert "(sentence24: a known hole of the published set)" in said  # of TRAIN[4]
    assert "2 clips that no split uses were left out" in said
    assert sorted(HOLES) == sorted([(TRAIN[4], 24), (TEST[0], 32)])


def test_everything(downloaded, tmp_path):
    assert len(_prepare(downloaded, tmp_path / "out", everything=True).clips()) == 12


@pytest.mark.parametrize(("fps", "frames"), [(60, 40), (25, 17), (30, 20)])
def test_other_frame_rates(downloaded, tmp_path, fps, frames):
    prepared = _prepare(downloaded, tmp_path / "out", fps=fps)
    clip = f"{TRAIN[0]}_sentence01"
    vertices, stored = prepared.vertices(clip), np.load(downloaded / "data_verts.npy")[:40].astype(np.float64)
    assert prepared.fps == fps
    assert len(vertices) == frames
    for frame in (0, 5, frames - 1):
        place = frame / fps * 60
        below, share = int(place + 1e-9), place - int(place + 1e-9)
        blended = stored[below] * (1 - share) + stored[min(below + 1, 39)] * share
        np.testing.assert_allclose(vertices[frame], blended, atol=1e-6)


def test_pickles_of_python_3(tmp_path):
    replicas.vocaset(tmp_path / "voca", [TRAIN[0]], ["sentence01"], python2=False)
    assert _prepare(tmp_path / "voca", tmp_path / "out").splits["train"] == (f"{TRAIN[0]}_sentence01",)


def test_faceformer_folders_give_the_same(downloaded, tmp_path):
    folder = tmp_path / "faceformer"
    (folder / "vertices_npy").mkdir(parents=True)
    (folder / "wav").mkdir()
    for name in ("templates.pkl", "FLAME_sample.ply"):
        shutil.copy(downloaded / name, folder)
    stored, sound = (
        np.load(downloaded / "data_verts.npy"),
        pickle.loads((downloaded / "raw_audio_fixed.pkl").read_bytes()),
    )
    for place, (subject, sentence) in enumerate((s, n) for s in SUBJECTS for n in SENTENCES):
        np.save(folder / "vertices_npy" / f"{subject}_{sentence}.npy", stored[40 * place :][:40].reshape(40, -1))
        entry = sound[subject][sentence]
        soundfile.write(folder / "wav" / f"{subject}_{sentence}.wav", entry["audio"], entry["sample_rate"])
    one, other = _prepare(downloaded, tmp_path / "one"), _prepare(folder, tmp_path / "other")
    assert one.splits == other.splits
    for clip in one.clips():
        np.testing.assert_array_equal(one.vertices(clip.name), other.vertices(clip.name))
        np.testing.assert_array_equal(one.audio(clip.name), other.audio(clip.name))


def test_masks_are_read_where_the_user_has_put_them(copy, tmp_path):
    masks = {"lips": np.array([3, 1, 1, 2]), "forehead": np.array([9, 8]), "eye_region": np.array([8, 7]), "nose": [4]}
    (copy / "FLAME_masks.pkl").write_bytes(pickle.dumps(masks, protocol=2))
    prepared = _prepare(copy, tmp_path / "out")
    assert prepared.regions["lips"].tolist() == [1, 2, 3]  # the published list has some twice
    assert prepared.regions["upper_face"].tolist() == [7, 8, 9]
    assert prepared.regions["nose"].tolist() == [4]
    assert prepared.origins["lips"] == "FLAME_masks.pkl"


def test_masks_of_another_mesh(copy, tmp_path):
    masks = {"lips": np.array([5000]), "forehead": np.array([1]), "eye_region": np.array([2])}
    (copy / "FLAME_masks.pkl").write_bytes(pickle.dumps(masks))
    with pytest.raises(InputError, match="does not hold the masks"):
        _prepare(copy, tmp_path / "out")


def test_without_masks_regions_are_geometric_and_said_to_be(downloaded, tmp_path):
    prepared = _prepare(downloaded, tmp_path / "out")
    assert "geometric" in prepared.origins["lips"]
    assert "lips: " in report(prepared)


def test_missing_and_odd_clips(copy, tmp_path):
    _edit(copy / "raw_audio_fixed.pkl", lambda sound: sound[TRAIN[0]].pop("sentence01"))
    _edit(copy / "raw_audio_fixed.pkl", lambda sound: sound[TRAIN[0]]["sentence21"].update(sample_rate=11))
    _edit(copy / "subj_seq_to_idx.pkl", lambda rows: rows[TRAIN[4]].update(sentence01={0: 10**6}))
    _edit(copy / "subj_seq_to_idx.pkl", lambda rows: [rows[TRAIN[4]]["sentence21"].pop(n) for n in (10, 11)])
    _edit(copy / "subj_seq_to_idx.pkl", lambda rows: rows[TRAIN[4]]["sentence22"].update({9: 10**6}))
    _edit(copy / "templates.pkl", lambda templates: templates.pop(TEST[0]))
    prepared = _prepare(copy, tmp_path / "out", fps=60)
    said = "\n".join(prepared.notes)
    assert f"{TRAIN[0]}_sentence01 left out: it has no sound" in said
    assert f"{TRAIN[0]}_sentence21 left out: the array has 11 samples a second" in said
    assert f"{TRAIN[4]}_sentence01 points at no frame" in said
    assert f"{TRAIN[4]}_sentence21: 2 of its frames are not stored and were filled in" in said
    assert f"{TRAIN[4]}_sentence22: 1 of its frames are not stored and were filled in" in said
    assert f"subject {TEST[0]} has no template" in said
    assert prepared.splits["test"] == ()
    filled = prepared.vertices(f"{TRAIN[4]}_sentence21")
    assert len(filled) == 40
    np.testing.assert_allclose(filled[10], filled[9] + (filled[12] - filled[9]) / 3, atol=1e-6)


@pytest.mark.parametrize("name", ["templates.pkl", "raw_audio_fixed.pkl", "subj_seq_to_idx.pkl"])
def test_a_missing_file_is_named(copy, tmp_path, name):
    (copy / name).unlink()
    with pytest.raises(InputError, match=f"no {name}.*download"):
        _prepare(copy, tmp_path / "out")


def test_other_files_are_asked_for(copy, tmp_path):
    (copy / "FLAME_sample.ply").unlink()
    with pytest.raises(InputError, match=r"put FLAME_sample\.ply"):
        _prepare(copy, tmp_path / "out")
    (copy / "data_verts.npy").unlink()
    with pytest.raises(InputError, match="needs data_verts.npy"):
        _prepare(copy, tmp_path / "out")


def test_vertices_cut_short(copy, tmp_path):
    data = (copy / "data_verts.npy").read_bytes()
    (copy / "data_verts.npy").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match="data_verts.npy is cut short"):
        _prepare(copy, tmp_path / "out")


def test_names_that_would_leave_the_folder(copy, tmp_path):
    _edit(copy / "subj_seq_to_idx.pkl", lambda rows: rows.update({"../../x": rows[TRAIN[0]]}))
    with pytest.raises(InputError, match="cannot be the name of a file"):
        _prepare(copy, tmp_path / "out")


def test_a_rate_of_its_own(copy, tmp_path):
    with pytest.raises(InputError, match="own frame rate and unit"):
        _prepare(copy, tmp_path / "out", source_fps=50)


def test_a_mesh_of_flames_size_has_the_published_lip_centres(tmp_path):
    face = replicas.tiny_face(columns=61, rows=84)
    replicas.vocaset(tmp_path / "voca", [TRAIN[0]], ["sentence01"], face=face)
    prepared = _prepare(tmp_path / "voca", tmp_path / "out")
    assert (prepared.landmarks["lip_top"], prepared.landmarks["lip_bottom"]) == (3531, 3504)
    assert prepared.origins["lip_top"] == "published vertex"
    upper, lower = (face.vertices[prepared.landmarks[f"lip_inner_{name}"]] for name in ("upper", "lower"))
    np.testing.assert_allclose([upper[:2], lower[:2]], [[0, replicas.MOUTH]] * 2, atol=1e-6)
    corners = [face.vertices[prepared.landmarks[f"lip_corner_{side}"]] for side in ("left", "right")]
    np.testing.assert_allclose([corner[0] for corner in corners], [0.027, -0.027], atol=0.006)
