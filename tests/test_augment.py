"""Augmentation: reproducible, lively, and never beyond what a recording can be."""

import pytest
import torch

from kmtalk.data.augment import AUGMENTATIONS, Augmenter
from kmtalk.models.encoder import BINS, mel_filters


def augmenter(seed=0, bands=80):
    return Augmenter(torch.Generator().manual_seed(seed), bands)


@pytest.fixture
def mel():
    return torch.rand(6, 300, 80, generator=torch.Generator().manual_seed(9)) * torch.linspace(0, 1, 300)[:, None]


def test_a_seed_fixes_everything(mel):
    assert torch.equal(augmenter(1)(mel), augmenter(1)(mel))
    assert not torch.equal(augmenter(1)(mel), augmenter(2)(mel))
    first = augmenter(1)
    assert not torch.equal(first(mel), first(mel))


@pytest.mark.parametrize("name", ["jitter", "room", "noise", "babble", "equaliser", "telephone"])
def test_each_does_something_and_can_be_left_out(mel, name):
    others = tuple(other for other in AUGMENTATIONS if other != name)
    nothing, alone = (
        Augmenter(torch.Generator().manual_seed(2), without=left_out) for left_out in (AUGMENTATIONS, others)
    )
    quietest = 1e-2 * mel.mean()  # a floor of noise is always there
    assert all(torch.allclose(nothing(mel), mel, atol=quietest) for _ in range(20))
    assert any(not torch.allclose(alone(mel), mel, atol=quietest) for _ in range(20))


def test_masks_can_be_left_out(mel):
    assert torch.equal(Augmenter(torch.Generator(), without=("mask",)).mask(mel), mel)


def test_what_comes_out_is_power(mel):
    made = augmenter()
    for _ in range(20):
        out = made(mel)
        assert out.shape == mel.shape
        assert torch.isfinite(out).all()
        assert (out > 0).all()


def test_the_input_is_left_alone(mel):
    before = mel.clone()
    augmenter()(mel)
    assert torch.equal(mel, before)


def test_speech_stays_the_loudest_in_it(mel):
    # Noise is at least 4 dB below and other speakers 3: loud and soft places stay where they were.
    mel = torch.zeros_like(mel) + 1e-6
    mel[:, 100:200] = 1.0
    made = augmenter()
    for _ in range(20):
        out = made(mel).mean(-1)
        assert (out[:, 110:190].mean(1) > 1.3 * out[:, :90].mean(1)).all()


def test_clips_without_speech_become_noise_without_speech_of_others():
    mel = torch.zeros(2, 300, 80)
    mel[0, 100:200] = 1.0
    made = augmenter()
    for _ in range(50):
        quiet = made(mel)[1].mean(-1)
        assert quiet.max() < 1.0
        inside, outside = quiet[100:200].mean(), torch.cat([quiet[:100], quiet[200:]]).mean()
        assert 1 / 4 < inside / outside < 4


def test_each_clip_goes_through_its_own_warp():
    power = torch.rand(3, 10, BINS)
    out = augmenter().warp(power, [0.8, 1.0, 1.2])
    for clip, warp in enumerate((0.8, 1.0, 1.2)):
        assert torch.allclose(out[clip], power[clip] @ mel_filters(80, warp), atol=1e-6)
    nearest = augmenter().warp(power[:1], [0.813])
    assert torch.allclose(nearest[0], power[0] @ mel_filters(80, 0.82), atol=1e-6)


def test_masks_blank_one_stretch_of_bands_and_one_of_frames():
    features = torch.ones(40, 300, 80)
    masked = augmenter().mask(features)
    for clip in masked:
        bands, frames = (clip == 0).all(0), (clip == 0).all(1)
        assert bands.sum() <= 9
        assert frames.sum() <= 9
        assert torch.equal(clip == 0, bands[None] | frames[:, None])
        for blank in (bands, frames):
            places = blank.nonzero().flatten()
            assert len(places) == 0 or places[-1] - places[0] == len(places) - 1
    assert (masked == 0).any(dim=2).any(dim=1).float().mean() > 0.8
    assert (features == 1).all()


def test_fewer_bands():
    assert augmenter(bands=40)(torch.rand(2, 300, 40)).shape == (2, 300, 40)
