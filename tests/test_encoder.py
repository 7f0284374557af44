"""Spectra in the right place, features that do not depend on level, and every kind of encoder inside KMTalk."""

import numpy as np
import pytest
import torch

from kmtalk.models.encoder import (
    BINS,
    FEATURE_RATE,
    HOP,
    MelEncoder,
    PretrainedEncoder,
    mel_filters,
    mel_power,
    normalise,
    power_spectrum,
)
from kmtalk.models.kmtalk import KMTalk, KMTalkConfig

BACKBONE = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "conv_dim": [8] * 7,
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
}


def tone(hertz, seconds=1.0, level=0.3):
    return torch.from_numpy(
        (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * 16000)) / 16000)).astype("f4")
    )


def test_filters_sum_to_one_and_rise_in_pitch():
    for warp in (0.7, 1.0, 1.4):
        filters = mel_filters(80, warp)
        assert filters.shape == (BINS, 80)
        assert filters.sum(0) == pytest.approx(1, abs=1e-5)
        assert filters.min() >= 0
        centres = torch.arange(BINS, dtype=torch.float32) @ filters
        assert (centres.diff() >= 0).all()


def test_a_tone_lies_in_the_band_around_it():
    filters = mel_filters(80)
    power = power_spectrum(tone(1000)[None])[0, 50]
    band = int((power @ filters).argmax())
    centre = float(torch.linspace(0, 8000, BINS) @ filters[:, band])
    assert centre == pytest.approx(1000, abs=60)


@pytest.mark.parametrize("hertz", [700, 1500, 3000, 6000])
def test_a_warp_above_one_moves_peaks_down_the_bands(hertz):
    # The filters move up with the warp, so a formant falls into a lower band: as if a longer throat had made it.
    power = power_spectrum(tone(hertz)[None])[0, 50]
    lower, plain, higher = (int((power @ mel_filters(80, warp)).argmax()) for warp in (0.85, 1.0, 1.18))
    assert higher < plain < lower


def test_an_impulse_lands_in_the_frame_centred_on_it():
    # Frame i is centred 80 samples after i * HOP.
    for frame in (0, 1, 37, 98):
        audio = torch.zeros(1, 16000)
        audio[0, frame * HOP + HOP // 2] = 1.0
        power = power_spectrum(audio)[0].sum(-1)
        assert power.shape == (100,)
        assert int(power.argmax()) == frame
        around = torch.cat([torch.zeros(1), power, torch.zeros(1)])[frame : frame + 3]
        if 0 < frame < 99:
            assert around[0] == pytest.approx(float(around[2]), rel=0.05)


def test_mel_power_in_pieces_equals_one_go():
    audio = 0.1 * torch.randn(1, 130 * 16000 + 77, generator=torch.Generator().manual_seed(0))
    whole = power_spectrum(audio) @ mel_filters(80)
    pieces = mel_power(audio, 80)
    assert pieces.shape == whole.shape == (1, 13000, 80)
    assert torch.allclose(pieces, whole, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("gain", [0.1, 10.0])
def test_features_do_not_depend_on_gain(voice, gain):
    audio = torch.from_numpy(voice)[None]
    assert torch.allclose(normalise(mel_power(audio * gain, 80)), normalise(mel_power(audio, 80)), atol=1e-3)


def test_features_hardly_depend_on_a_microphone_s_colour(voice):
    mel = mel_power(torch.from_numpy(voice)[None], 80)
    colour = torch.exp(torch.linspace(-1, 1, 80))
    plain, coloured = normalise(mel), normalise(mel * colour)
    moved = (normalise(mel * colour) - plain).abs().mean()
    assert moved < 0.5 * (torch.log(colour) / 3).abs().mean()
    assert coloured.shape == plain.shape


def test_silence_has_finite_features():
    assert torch.isfinite(normalise(mel_power(torch.zeros(1, 16000), 80))).all()


def test_an_hour_does_not_upset_the_level(voice):
    # The level is a quantile of every n-th frame when there are many.
    mel = mel_power(torch.from_numpy(voice)[None], 8)
    long = mel.repeat(1, 800, 1)
    assert long.shape[1] > 200_000
    assert torch.allclose(normalise(long)[:, : mel.shape[1]], normalise(mel), atol=0.05)


def test_mel_encoder_hears_50_features_and_100_posteriors_a_second():
    torch.manual_seed(0)
    encoder = MelEncoder(width=8, blocks=2).eval()
    for samples, features in ((16000, 50), (16159, 50), (16160, 51), (16480, 52)):
        heard = encoder(encoder.prepare(0.1 * torch.randn(1, samples)))
        assert heard.features.shape == (1, features, 8)
        assert heard.log_posteriors.shape == (1, 2 * features, 40)
        assert heard.log_posteriors.exp().sum(-1).detach() == pytest.approx(1, abs=1e-5)


@torch.no_grad()
def test_mel_encoder_sees_no_further_than_its_reach():
    torch.manual_seed(0)
    encoder = MelEncoder(width=8, blocks=4).eval()
    mel = torch.randn(1, 600, 80)
    changed = mel.clone()
    changed[:, 300] += 1.0
    moved = (encoder(mel).features - encoder(changed).features).abs().sum(-1)[0] > 1e-7
    places = moved.nonzero().flatten()
    assert moved[150]
    assert (places - 150).abs().max() <= encoder.reach * FEATURE_RATE


@pytest.mark.parametrize("kind", ["wav2vec2", "hubert"])
@torch.no_grad()
def test_pretrained_encoder_hears_50_features_and_100_posteriors_a_second(kind):
    torch.manual_seed(0)
    encoder = PretrainedEncoder(kind, BACKBONE, width=8).eval()
    for samples, features in ((16000, 50), (16001, 51), (15999, 50), (3200, 10)):
        heard = encoder(encoder.prepare(0.1 * torch.randn(1, samples)))
        assert heard.features.shape == (1, features, 8)
        assert heard.log_posteriors.shape == (1, 2 * features, 40)


@torch.no_grad()
def test_pretrained_features_are_centred_where_the_mel_features_are():
    # Feature j stands at j / 50 s + 5 ms and hears 12.5 ms to either side.
    torch.manual_seed(0)
    encoder = PretrainedEncoder("wav2vec2", {**BACKBONE, "feat_extract_norm": "layer"}, width=8).eval()
    convolved = []
    encoder.backbone.feature_extractor.register_forward_hook(lambda module, given, made: convolved.append(made[0]))
    encoder(torch.zeros(1, 16000))
    heard = []
    for offset in range(-300, 301, 20):
        audio = torch.zeros(1, 16000)
        audio[0, 20 * 320 + 80 + offset] = 1.0
        encoder(audio)
        if (convolved[-1] - convolved[0])[:, 20].abs().sum() > 1e-6:
            heard.append(offset)
    assert heard == list(range(-200, 200, 20))


@pytest.mark.parametrize("kind", ["wav2vec2", "hubert"])
def test_pretrained_encoders_work_inside_kmtalk_and_survive_saving(kind, face, voice, tmp_path):
    torch.manual_seed(0)
    config = KMTalkConfig(
        face.basis_names, encoder=kind, encoder_config=BACKBONE, width=16, key_layers=1, key_heads=2, key_reach=4
    )
    model = KMTalk(config).eval()
    model.save_pretrained(tmp_path / "model")
    loaded = KMTalk.from_pretrained(tmp_path / "model")
    assert loaded.config.encoder == kind
    with torch.no_grad():
        heard, again = (m.encode(torch.from_numpy(voice)[None]) for m in (model, loaded))
        assert torch.allclose(heard.features, again.features, atol=0.02)
        features = model.at_frames(heard.features, 25.0, 75)
        keys = torch.tensor([[0, 10, 74]])
        motion = model.complete(features, keys, model.decode_keys(features, keys))
    assert motion.shape == (1, 75, len(face.basis_names))
    assert torch.isfinite(motion).all()


def test_at_frames_reads_features_at_the_time_of_each_frame(tiny_model):
    # Feature j stands at j / 50 s + 5 ms, so frame t at 25 frames a second lies at feature 2 t - 0.25.
    features = torch.arange(100, dtype=torch.float32)[None, :, None].expand(-1, -1, 2)
    read = tiny_model.at_frames(features, 25.0, 50)[0, :, 0]
    assert read[0] == 0
    assert read[1:] == pytest.approx(2 * torch.arange(1, 50) - 0.25, abs=1e-4)
    assert tiny_model.at_frames(features, 30.0, 60)[0, 6, 0] == pytest.approx(9.75, abs=1e-4)
