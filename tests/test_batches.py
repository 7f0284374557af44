"""Batches: the right shapes, the same from the same seed, sound and motion in step."""

import numpy as np
import pytest
import torch

from kmtalk.data.bank import Bank, Entry
from kmtalk.data.batches import SECONDS, Batches, _draw_out, at_rate, cut, pad_keys
from kmtalk.models.encoder import BINS
from kmtalk.phonemes import LABELS

RATES = (25.0, 30.0)


def make(bank, seed=0, size=4, gain=(0,)):
    return Batches(bank, size, seed, list(gain), RATES)


def test_shapes(bank):
    batches = make(bank)
    seen = set()
    for _ in range(8):
        batch = next(batches)
        frames = round(SECONDS * batch.fps)
        assert batch.mel.shape == (4, 300, 80)
        assert batch.labels.shape == (4, 300)
        assert batch.labels.dtype == torch.int64
        assert batch.motion.shape == (4, frames, 54)
        assert batch.key_frames.shape == batch.key_mask.shape
        assert 0 <= int(batch.labels.min()) <= int(batch.labels.max()) < len(LABELS)
        assert all(torch.isfinite(tensor).all() for tensor in (batch.mel, batch.motion))
        seen.add(batch.fps)
    assert seen == set(RATES)


def test_keys_are_increasing_from_the_first_to_the_last_frame(bank):
    batches = make(bank, seed=1)
    for _ in range(5):
        batch = next(batches)
        for keys, mask in zip(batch.key_frames, batch.key_mask, strict=True):
            real = keys[mask]
            assert real[0] == 0
            assert real[-1] == batch.motion.shape[1] - 1
            assert (real.diff() > 0).all()
            assert (keys[~mask] == real[-1]).all()
            assert torch.equal(mask, mask.sort(descending=True).values)


def test_a_seed_fixes_the_batches(bank):
    first, again, other = next(make(bank, 3)), next(make(bank, 3)), next(make(bank, 4))
    assert first.fps == again.fps
    for name in ("mel", "labels", "motion", "key_frames", "key_mask"):
        assert torch.equal(getattr(first, name), getattr(again, name))
    assert not torch.equal(first.mel, other.mel)


def test_only_training_clips_are_drawn(bank):
    entries = [entry for _, group in make(bank).groups.values() for entry in group]
    assert entries
    assert all(entry.split == "train" for entry in entries)


def test_formant_voices_get_15_percent(bank):
    shares = {voice: share for voice, (share, _) in make(bank).groups.items()}
    assert shares["formant"] == 0.15
    assert sum(shares.values()) == pytest.approx(1)


def test_to_moves_every_tensor(bank):
    batch = next(make(bank)).to(torch.device("cpu"))
    assert batch.fps in RATES
    assert batch.mel.device.type == "cpu"


def test_pad_keys_repeats_the_last_and_masks_it():
    keys, mask = pad_keys([np.array([0, 4, 9]), np.array([0, 9]), np.array([0, 2, 5, 9])])
    assert keys.tolist() == [[0, 4, 9, 9], [0, 9, 9, 9], [0, 2, 5, 9]]
    assert mask.tolist() == [[True] * 3 + [False], [True] * 2 + [False] * 2, [True] * 4]


def test_at_rate_reads_the_motion_at_the_times_of_the_frames():
    motion = torch.arange(300, dtype=torch.float32)[None, :, None]
    assert at_rate(motion, 25.0)[0, :, 0] == pytest.approx(torch.arange(75) * 4.0, abs=1e-3)
    assert at_rate(motion, 30.0)[0, :, 0] == pytest.approx(torch.arange(90) / 30 * 100, abs=1e-3)


@pytest.fixture
def ramp():
    """A bank of one clip whose spectra and motion say the number of their frame, its labels every hundredth."""
    frames = np.arange(900)
    spectra = np.repeat((frames / 100).astype(np.float16)[:, None], BINS, 1)
    motion = np.repeat((frames / 1000).astype(np.float16)[:, None], 3, 1)
    return Bank((Entry("one", "train", 1.0, 0, 900),), spectra, (frames // 100).astype(np.int8), motion)


@pytest.fixture
def speech_alone(monkeypatch):
    monkeypatch.setattr("kmtalk.data.batches.BREATH", 0.0)
    monkeypatch.setattr("kmtalk.data.batches.NOTHING_SAID", 0.0)
    monkeypatch.setattr("kmtalk.data.batches.DRAWN_OUT", 0.0)


@pytest.mark.parametrize("rate", [0.75, 1.0, 1.3])
@pytest.mark.parametrize("seed", range(6))
def test_cuts_keep_sound_labels_and_motion_in_step(ramp, rate, seed, speech_alone):
    crop = cut(ramp, ramp.entries[0], 300, rate, 1.0, np.random.default_rng(seed))
    assert crop.power.shape == (300, BINS)
    assert crop.motion.shape == (300, 3)
    spoken = crop.power[:, 0] >= 0
    frame = crop.power[spoken, 0] * 100
    assert crop.motion[spoken, 0] * 1000 == pytest.approx(frame, abs=2)
    assert np.abs(crop.labels[spoken] - frame // 100).max() <= 1
    assert (crop.labels[spoken] == np.rint(frame) // 100).mean() > 0.97
    assert np.diff(frame[1:-1]).mean() == pytest.approx(rate, rel=0.02)
    assert not crop.motion[~spoken].any()
    assert not crop.labels[~spoken].any()


def test_a_clip_shorter_than_the_crop_is_padded_with_silence(ramp, speech_alone):
    short = Entry("one", "train", 1.0, 100, 160)
    for seed in range(20):
        crop = cut(ramp, short, 300, 1.0, 1.0, np.random.default_rng(seed))
        spoken = crop.power[:, 0] >= 0
        assert spoken.sum() == 60
        assert (crop.power[~spoken] < -10).all()


def test_a_vowel_is_held(ramp):
    vowels = np.full(900, LABELS.index("B"), np.int8)
    vowels[200:210] = LABELS.index("AA")
    for seed in range(10):
        held = _draw_out(np.arange(300.0), vowels, np.random.default_rng(seed))
        assert held[0] == 0
        assert (np.diff(held) > 0).all()
        assert held[:200].tolist() == list(range(200))  # as it was until the vowel
        inside = (held >= 200) & (held < 210)
        assert 10 < inside.sum() < 120
    assert _draw_out(np.arange(50.0), vowels, np.random.default_rng(0)).tolist() == list(range(50))


def test_drawn_out_speech_stays_in_step(ramp, monkeypatch):
    monkeypatch.setattr("kmtalk.data.batches.BREATH", 0.0)
    monkeypatch.setattr("kmtalk.data.batches.NOTHING_SAID", 0.0)
    monkeypatch.setattr("kmtalk.data.batches.DRAWN_OUT", 1.0)
    monkeypatch.setattr("kmtalk.data.batches._HOLDABLE", [4, 5])
    for seed in range(6):
        crop = cut(ramp, ramp.entries[0], 300, 1.0, 1.0, np.random.default_rng(seed))
        spoken = crop.power[:, 0] >= 0
        assert crop.motion[spoken, 0] * 1000 == pytest.approx(crop.power[spoken, 0] * 100, abs=2)
        assert np.abs(crop.labels[spoken] - crop.power[spoken, 0] // 1).max() <= 1


def test_breaths_are_soft_and_silent_and_only_in_pauses(ramp, monkeypatch):
    monkeypatch.setattr("kmtalk.data.batches.BREATH", 1.0)
    monkeypatch.setattr("kmtalk.data.batches.NOTHING_SAID", 0.0)
    short = Entry("one", "train", 1.0, 800, 900)
    breathed = 0
    for seed in range(40):
        crop = cut(ramp, short, 300, 1.0, 1.0, np.random.default_rng(seed))
        heard = crop.power.max(axis=1)
        spoken = slice(int(np.flatnonzero(heard > 7.9)[0]), int(np.flatnonzero(heard > 7.9)[-1]) + 1)
        assert spoken.stop - spoken.start == 100
        quiet = np.delete(heard, np.r_[spoken])
        assert quiet.max() < 8.0
        assert (heard[spoken.stop :] < -10).all()
        assert not np.delete(crop.labels, np.r_[spoken]).any()
        breathed += bool((quiet > -10).any())
    assert 3 < breathed < 25  # one crop in four begins with a pause


def test_the_shortest_clip(ramp):
    crop = cut(ramp, Entry("one", "train", 1.0, 5, 6), 300, 1.3, 1.0, np.random.default_rng(1))
    assert np.isfinite(crop.power).all()


def test_effort_opens_louder_speech_and_keeps_closures_closed(bank, face):
    from kmtalk.data.articulation import Articulation
    from kmtalk.train.corpus import GAIN_CHANNELS
    from tests.conftest import sound, spoken

    phonemes = spoken(("AA", 0.2), ("B", 0.1), ("AA", 0.2), ("M", 0.1))
    audio = sound(phonemes)
    motion = torch.from_numpy(Articulation(face).articulate(phonemes, audio, 60))[None].repeat(64, 5, 1)
    batches = make(bank, size=64, gain=[face.basis_names.index(name) for name in GAIN_CHANNELS])
    power = torch.ones(64, 300, 4)
    louder, opened = batches._effort(power, motion)
    decibels = 10 * torch.log10(louder[..., 0])
    assert 2 < decibels.abs().max() < 25
    jaw = face.basis_names.index("jawOpen")
    open_frames = motion[..., jaw] > 0.1
    ratio = (opened[..., jaw] / motion[..., jaw])[open_frames]
    assert torch.allclose(torch.log10(ratio) * 45, decibels[open_frames].clamp(-8, 8), atol=0.05)
    shut = face.lip_gap(motion.numpy().reshape(-1, 54)) < 1e-4
    gap = face.lip_gap(opened.numpy().reshape(-1, 54))[shut] * 1e3
    assert gap.max() < 1.0
    assert gap.min() > -1.0
