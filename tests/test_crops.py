"""Crops of a prepared data set: sound, labels, weights, vertices and key frames in step, read only as far as needed."""

from pathlib import Path

import numpy as np
import pytest
import torch

from kmtalk.__main__ import main
from kmtalk.audio import SAMPLE_RATE
from kmtalk.data.crops import Crops
from kmtalk.data.prepared import load_prepared
from kmtalk.phonemes import LABELS, Phoneme
from tests import replicas


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    replicas.own(folder / "source", [f"take{number}" for number in range(12)], frames=120, fps=50.0)
    made = ["prepare", "folder", str(folder / "source"), "--out", str(folder / "made"), "--basis", "4"]
    assert main([*made, "--source-fps", "50", "--fps", "25", "--unit", "mm"]) == 0
    return load_prepared(folder / "made")


@pytest.fixture(scope="module")
def spoken(prepared):
    """Half-second phonemes in turn."""
    labels = ["sil", "AA", "M", "S", "sil"]
    phonemes = tuple(Phoneme(label, number / 2, number / 2 + 0.5) for number, label in enumerate(labels))
    return {clip.name: phonemes for clip in prepared.clips()}


def draw(prepared, spoken, index=0, **options):
    return Crops(prepared, spoken, **{"size": 3, "seconds": 1.2, "seed": 7, "pairs": 6, **options})(index)


def test_shapes(prepared, spoken):
    batch = draw(prepared, spoken)
    count, vertices = len(prepared.basis), prepared.vertex_count
    assert batch.audio.shape == (3, 19200)
    assert batch.labels.shape == (3, 120)
    assert batch.motion.shape == (3, 30, count)
    assert batch.pairs.shape == (3, 6)
    assert batch.picked.shape == (3, 3)
    assert batch.vertices.shape == (3, 6, 2, vertices, 3)
    assert batch.fps == 25
    assert {tensor.dtype for tensor in (batch.audio, batch.motion, batch.vertices)} == {torch.float32}
    assert draw(prepared, spoken, pairs=0).vertices.numel() == 0


def test_a_number_fixes_the_batch(prepared, spoken):
    first, again, other, seed = (
        draw(prepared, spoken),
        draw(prepared, spoken),
        draw(prepared, spoken, 1),
        draw(prepared, spoken, seed=8),
    )
    assert all(torch.equal(getattr(first, name), getattr(again, name)) for name in ("audio", "motion", "key_frames"))
    for changed in (other, seed):
        assert not torch.equal(first.motion, changed.motion)


def place(prepared, clips, weights):
    """The clip and the first frame that a crop was cut from."""
    for clip in clips:
        whole = np.array(prepared.weights(clip.name))
        for start in range(len(whole) - len(weights) + 1):
            if np.array_equal(whole[start : start + len(weights)], weights):
                return clip, start
    raise AssertionError("the crop is in no clip")


def test_everything_is_of_the_same_moment(prepared, spoken):
    for index in range(4):
        batch = draw(prepared, spoken, index)
        for row in range(3):
            clip, start = place(prepared, prepared.clips("train"), batch.motion[row].numpy())
            first = round(start / 25 * SAMPLE_RATE)
            whole = prepared.audio(clip.name)
            sound = batch.audio[row].numpy()
            there = min(len(sound), len(whole) - first)
            assert sound[:there] == pytest.approx(whole[first : first + there], abs=1e-4)
            middles = start / 25 + (np.arange(120) + 0.5) / 100
            wanted = ["sil" if time >= 2.5 else spoken[clip.name][int(time * 2)].label for time in middles]
            assert [LABELS[label] for label in batch.labels[row]] == wanted
            frames = start + batch.pairs[row].numpy()[:, None] + np.arange(2)
            moved = prepared.vertices(clip.name)[frames] - prepared.template(clip.subject)
            assert batch.vertices[row].numpy() == pytest.approx(moved * 1e3, abs=1e-3)


def test_weights_and_vertices_agree(prepared, spoken):
    batch = draw(prepared, spoken)
    frames = torch.stack([batch.pairs, batch.pairs + 1], -1)
    weights = batch.motion[torch.arange(3)[:, None, None], frames].numpy()
    moved = np.tensordot(weights, prepared.basis, axes=1) * 1e3
    assert np.abs(moved - batch.vertices.numpy()).max() < 0.1


def test_the_first_half_of_the_pairs_lies_at_key_frames(prepared, spoken):
    for index in range(4):
        batch = draw(prepared, spoken, index)
        assert torch.equal(batch.key_frames.gather(1, batch.picked), batch.pairs[:, :3])
        assert batch.pairs.max() <= batch.motion.shape[1] - 2


def test_keys_are_near_the_phonemes_boundaries(prepared, spoken):
    near, count = 0, 0
    for index in range(20):
        batch = draw(prepared, spoken, index, seconds=2.4)
        assert batch.motion.shape[1] == 60  # the whole clips
        for keys, mask in zip(batch.key_frames, batch.key_mask, strict=True):
            real = keys[mask]
            assert (real[0], real[-1]) == (0, 59)
            assert (real.diff() > 0).all()
            inner = real[1:-1].numpy()
            near += int((np.abs(inner[:, None] - np.array([12, 25, 38, 50])) <= 1).any(1).sum())
            count += len(inner)
    assert near > 0.85 * count
    assert count == pytest.approx(20 * 3 * 4, rel=0.15)


@pytest.mark.parametrize("kind", ["uniform", "random"])
def test_other_kinds_of_keys(prepared, spoken, kind):
    batch = draw(prepared, spoken, keys=kind, seconds=2.4)
    assert batch.key_mask.all()
    assert batch.key_frames.shape == (3, 6)
    gaps = batch.key_frames.diff(dim=1)
    assert (gaps.max() <= 12) == (kind == "uniform")


def test_a_short_clip_shortens_the_crops(prepared, spoken):
    assert draw(prepared, spoken, seconds=60.0).motion.shape[1] == 60


def test_files_are_closed_after_a_crop(prepared, spoken):
    maps = Path("/proc/self/maps")
    if not maps.is_file():
        pytest.skip("needs /proc")
    crops = Crops(prepared, spoken, size=3, seconds=1.0, seed=0, pairs=4)
    kept = [crops(index) for index in range(5)]
    assert len(kept) == 5
    assert str(prepared.folder / "vertices") not in maps.read_text()
    assert str(prepared.folder / "weights") not in maps.read_text()
