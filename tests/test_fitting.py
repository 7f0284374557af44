import numpy as np
import pytest
import replicas

from kmtalk.data import fitting
from kmtalk.data.preparing import find_source, prepare
from kmtalk.data.source import SourceOptions
from kmtalk.errors import InputError

OPTIONS = SourceOptions(source_fps=25.0, unit=0.001)


def test_shapes_are_those_of_an_exact_decomposition(tmp_path):
    replicas.own(tmp_path / "own", list("abcdef"), frames=60, fps=25.0)
    for seed, name in enumerate("abcdef"):
        path = tmp_path / "own" / "vertices" / f"{name}.npy"
        motion, random = np.load(path), np.random.default_rng(seed)
        extra = random.normal(0, [3, 2, 1], (60, 3)) @ np.random.default_rng(9).normal(0, 1, (3, 1512))
        np.save(path, motion + extra.reshape(60, 504, 3) + random.normal(0, 0.05, motion.shape))
    prepared = prepare(find_source("folder", tmp_path / "own", OPTIONS), tmp_path / "out", basis=5)
    train = [prepared.vertices(clip.name) - prepared.template("face") for clip in prepared.clips("train")]
    moved = np.concatenate(train).reshape(-1, 1512).astype(np.float64)
    values, shapes = np.linalg.svd(moved, full_matrices=False)[1:]
    left = np.sqrt((values[5:] ** 2).sum() / len(moved) / 504) * 1e3
    assert prepared.error_mm["train"] == pytest.approx(left, rel=1e-3)
    flat = prepared.basis.reshape(5, -1)
    unit = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    np.testing.assert_allclose(np.abs(np.einsum("kj,kj->k", unit, shapes[:5])), 1, atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(flat, axis=1), values[:5] / np.sqrt(len(moved)), rtol=1e-3)


def test_weights_have_a_root_mean_square_of_one(tmp_path):
    replicas.own(tmp_path / "own", list("abcd"), fps=25.0)
    prepared = prepare(find_source("folder", tmp_path / "own", OPTIONS), tmp_path / "out", basis=2)
    weights = np.concatenate([prepared.weights(clip.name) for clip in prepared.clips("train")])
    np.testing.assert_allclose(np.sqrt((weights.astype(np.float64) ** 2).mean(0)), 1, atol=1e-3)


def test_what_is_left_is_told_of_held_out_clips_too(tmp_path):
    replicas.own(tmp_path / "own", list("abcd"), fps=25.0)
    prepared = prepare(find_source("folder", tmp_path / "own", OPTIONS), tmp_path / "out", basis=1)
    assert set(prepared.error_mm) == {"train", "validation", "test"}
    clip = prepared.splits["test"][0]
    rest = prepared.vertices(clip) - prepared.template("face")
    rest = rest - np.tensordot(prepared.weights(clip), prepared.basis, axes=1)
    expected = np.sqrt((rest.astype(np.float64) ** 2).sum(-1).mean()) * 1e3
    assert prepared.error_mm["test"] == pytest.approx(expected, rel=1e-4)


def test_no_more_shapes_than_there_is_motion(tmp_path):
    replicas.own(tmp_path / "own", list("abc"), fps=25.0)  # a jaw and brows: two shapes
    assert len(prepare(find_source("folder", tmp_path / "own", OPTIONS), tmp_path / "out", basis=64).basis) == 2


def test_every_nth_frame_of_a_long_set(tmp_path, monkeypatch):
    monkeypatch.setattr(fitting, "FRAMES", 20)
    replicas.own(tmp_path / "own", list("abcd"), fps=25.0)
    prepared = prepare(find_source("folder", tmp_path / "own", OPTIONS), tmp_path / "out", basis=2)
    assert prepared.error_mm["train"] < 1e-3


@pytest.mark.parametrize("count", [-1, 1025])
def test_a_basis_that_makes_no_sense(tmp_path, count):
    replicas.own(tmp_path / "own", ["a"], fps=25.0)
    with pytest.raises(InputError, match="give 1 to 1024, or 0"):
        prepare(find_source("folder", tmp_path / "own", OPTIONS), tmp_path / "out", basis=count)
    assert not (tmp_path / "out").exists()  # said before anything is written


def test_a_face_that_never_moves(tmp_path):
    replicas.own(tmp_path / "own", ["a"], fps=25.0)
    face = replicas.tiny_face(1000)
    np.save(tmp_path / "own" / "vertices" / "a.npy", np.tile(face.vertices, (30, 1, 1)))
    with pytest.raises(InputError, match="nothing moves in the training clips"):
        prepare(find_source("folder", tmp_path / "own", OPTIONS), tmp_path / "out", basis=4)
