"""Speech to animation with a small untrained model: lengths, chunks, keys, life and what is refused."""

import copy
import shutil
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

from kmtalk.animate import animate, load_model
from kmtalk.assets import asset
from kmtalk.errors import InputError
from kmtalk.life import CHANNELS
from kmtalk.models.kmtalk import KMTalk
from kmtalk.phonemes import Phoneme, Word, centre_frames, key_frames
from kmtalk.textgrid import format_textgrid


@pytest.fixture(scope="module")
def speak(tiny_model):
    """Animate 16 kHz samples with the tiny model, without life."""

    def speak(audio, **options):
        return animate((audio, 16000), model=tiny_model, **{"life": False, **options})

    return speak


@pytest.fixture(scope="module")
def animation(speak, voice):
    return speak(voice)


def complaint(call, *arguments, **options):
    with pytest.raises(InputError) as caught:
        call(*arguments, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) > 20
    return message


def test_a_model_may_be_named(voice, tiny_model, tmp_path):
    tiny_model.save_pretrained(tmp_path / "tiny")
    assert animate((voice, 16000), model=tmp_path / "tiny").model == "tiny"
    assert "no/such" in complaint(animate, (voice, 16000), model=str(tmp_path / "no" / "such"))


def test_everything_fits_together(animation, voice, face, tiny_model):
    assert animation.frames == 75
    assert animation.weights.shape == (75, len(face.basis_names))
    assert animation.weights.dtype == np.float32
    assert 0 <= animation.weights.min() <= animation.weights.max() <= 1
    assert animation.motion.names == face.basis_names
    assert animation.motion.head_pose.shape == (75, 6)
    assert animation.key_frames.dtype == np.int64
    assert animation.key_motions.shape == (len(animation.key_frames), len(face.basis_names))
    assert animation.features.shape == (75, tiny_model.config.width)
    assert animation.audio == pytest.approx(voice, abs=1e-3)
    assert animation.phonemes[0].start == 0
    assert animation.phonemes[-1].end == animation.duration == 3.0
    assert animation.vertices(0, 2).shape == (2, *face.template.shape)


def test_the_key_frames_are_the_phonemes(animation):
    assert animation.key_frames.tolist() == key_frames(animation.phonemes, 25, 75).tolist()


def test_the_motion_moves(animation):
    assert animation.weights.std(axis=0).max() > 0.02
    assert np.diff(animation.key_motions, axis=0).any()


@pytest.mark.parametrize("fps", [20, 23.976, 24, 25, 29.97, 30, 31, 35, 40, 48, 50, 59.94, 60, 90, 100, 120])
@pytest.mark.parametrize("samples", [3200, 16000, 16001, 20479, 23456])
def test_frames_are_the_rounded_duration(speak, voice, fps, samples):
    made = speak(voice[:samples], fps=fps)
    assert made.frames == len(made.motion.head_pose) == round(samples / 16000 * fps)
    assert made.fps == fps
    assert made.key_frames[0] == 0
    assert made.key_frames[-1] == made.frames - 1
    assert (np.diff(made.key_frames) > 0).all()
    assert len(made.key_motions) == len(made.key_frames)


@pytest.fixture(scope="module")
def noise():
    """130 s, longer than any chunk."""
    random = np.random.default_rng(0)
    loudness = np.repeat(random.uniform(0.01, 0.2, 130 * 8), 2000)
    return (random.normal(0, 1, 130 * 16000) * loudness).astype(np.float32)


def test_chunks_leave_no_seam(speak, noise, tiny_model):
    made = speak(noise)
    with torch.inference_mode():
        heard = tiny_model.encode(torch.from_numpy(noise)[None])
        features = tiny_model.at_frames(heard.features, 25.0, 3250)
        keys = torch.from_numpy(made.key_frames)[None]
        key_motions = tiny_model.decode_keys(features, keys).clamp(0, 1)
        motion = tiny_model.complete(features, keys, key_motions).clamp(0, 1)[0].numpy()
    assert made.features == pytest.approx(features[0].numpy(), abs=1e-4)
    assert made.key_motions == pytest.approx(key_motions[0].numpy(), abs=1e-4)
    assert made.weights == pytest.approx(motion, abs=1e-4)


def test_keys_are_decoded_with_all_they_can_see(speak, noise, tiny_model):
    made = speak(noise, keys=np.arange(3250))  # more keys than one chunk holds
    assert len(made.key_frames) == 3250
    with torch.inference_mode():
        features = torch.from_numpy(made.features)[None]
        whole = tiny_model.decode_keys(features, torch.arange(3250)[None])[0].clamp(0, 1)
    assert made.key_motions == pytest.approx(whole.numpy(), abs=1e-5)


def test_uniform_keys_are_every_third_frame_and_the_last(speak, voice):
    assert speak(voice, keys="uniform").key_frames.tolist() == [*range(0, 75, 3), 74]
    made = speak(voice, keys="uniform", fps=60)
    assert made.key_frames.tolist() == [*range(0, 180, 6), 179]


def test_keys_of_your_own(speak, voice):
    assert speak(voice, keys=np.array([40, 5, 5])).key_frames.tolist() == [0, 5, 40, 74]
    assert speak(voice, keys=[10, 74]).key_frames.tolist() == [0, 10, 74]
    assert speak(voice, keys=np.array([7, 100, 179]), fps=60).key_frames.tolist() == [0, 8, 100, 179]


@pytest.mark.parametrize(
    "keys",
    [
        "phoneme",
        "",
        [],
        np.array([0.5, 2.0]),
        np.array([-1, 5]),
        np.array([5, 75]),
        np.zeros((2, 2), int),
        np.array([True, False]),
        7,
    ],
)
def test_keys_that_cannot_be(speak, voice, keys):
    assert "key" in complaint(speak, voice, keys=keys)


def test_an_alignment_gives_the_phonemes_as_they_are(speak, voice, sentence, tmp_path):
    (tmp_path / "voice.TextGrid").write_text(format_textgrid(sentence, [], 3.0))
    made = speak(voice, alignment=tmp_path / "voice.TextGrid")
    assert [phoneme.label for phoneme in made.phonemes] == [phoneme.label for phoneme in sentence]
    assert [phoneme.start for phoneme in made.phonemes] == pytest.approx([phoneme.start for phoneme in sentence])
    assert made.key_frames.tolist() == key_frames(made.phonemes, 25, 75).tolist()


def test_words_come_with_a_transcript_or_an_alignment(speak, voice, animation, tmp_path):
    assert animation.words == ()
    word = Word("masiu", 0.4, 1.2)
    (tmp_path / "voice.TextGrid").write_text(format_textgrid(animation.phonemes, [], 3.0, [word]))
    assert speak(voice, alignment=tmp_path / "voice.TextGrid").words == (word,)
    if shutil.which("espeak-ng"):
        made = speak(voice, transcript="Ma sees you, ma sees you.")
        assert [word.text for word in made.words] == "Ma sees you, ma sees you.".split()
        assert 0 <= made.words[0].start < made.words[0].end <= made.words[1].start
        assert {made.words[0].start, made.words[-1].end} <= {p.start for p in made.phonemes} | {made.phonemes[-1].end}
        assert "SH" in {p.label for p in speak(voice, transcript="Straße", language="de").phonemes}
        assert "no voice 'klingonish'" in complaint(speak, voice, transcript="hello", language="klingonish")


def test_keys_in_the_middle_of_phonemes(speak, voice, sentence, tmp_path):
    (tmp_path / "voice.TextGrid").write_text(format_textgrid(sentence, [], 3.0))
    made = speak(voice, alignment=tmp_path / "voice.TextGrid", keys="centres")
    assert made.key_frames.tolist() == centre_frames(made.phonemes, 25, 75).tolist()
    assert made.key_frames[:7].tolist() == [0, 10, 11, 15, 19, 23, 28]


def test_a_transcript_and_an_alignment_are_one_too_many(speak, voice):
    message = complaint(speak, voice, transcript="hello", alignment="missing.TextGrid")
    assert "give one of them" in message


@pytest.mark.parametrize("fps", [0, -25, 19.9, 121, 1e9, float("nan"), float("inf"), "25", None])
def test_frame_rates_that_cannot_be(speak, voice, fps):
    assert "choose 20 to 120" in complaint(speak, voice, fps=fps)


def test_a_frame_rate_may_be_any_number(speak, voice):
    plain = speak(voice, fps=30000 / 1001)
    exact = speak(voice, fps=Fraction(30000, 1001))
    assert type(exact.fps) is float and exact.fps == plain.fps
    np.testing.assert_array_equal(exact.weights, plain.weights)


def test_a_model_in_training_speaks_as_it_will_and_stays_in_training(tiny_model, voice, animation):
    model = copy.deepcopy(tiny_model).train()
    model.encoder.eval()  # one part is kept as it is
    before = copy.deepcopy(model.state_dict())
    np.testing.assert_array_equal(animate((voice, 16000), model=model, life=False).weights, animation.weights)
    assert model.training and model.completion.training and not model.encoder.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_face_of_another_basis(tiny_model, voice, face):
    other = replace(face, basis=face.basis[:3], basis_names=face.basis_names[:3])
    assert "basis" in complaint(animate, (voice, 16000), model=tiny_model, face=other)
    assert "nobody" in complaint(animate, (voice, 16000), model=tiny_model, face="nobody")


def test_a_recording_that_is_missing(tiny_model, tmp_path):
    complaint(animate, tmp_path / "missing.wav", model=tiny_model)


def test_a_face_from_a_folder_speaks(speak, voice, animation):
    made = speak(voice, face=asset("head", "ben"))
    assert made.face.name == "ben" and np.array_equal(made.weights, animation.weights)


def test_any_shipped_face_speaks(speak, voice, animation):
    assert speak(voice, face="cleo").face.name == "cleo"
    assert np.array_equal(speak(voice, face="cleo").weights, animation.weights)


def test_progress_runs_from_start_to_end(speak, voice):
    told = []
    speak(voice, progress=lambda stage, share: told.append((stage, share)))
    shares = [share for _, share in told]
    assert shares[0] == 0
    assert shares == sorted(shares)
    assert told[-1] == ("done", 1.0)
    assert len({stage for stage, _ in told}) == len(told)


@pytest.mark.parametrize(("fps", "factor"), [(50, 2), (60, 2), (90, 3), (120, 4)])
def test_high_rates_hold_the_model_s_frames(speak, voice, fps, factor):
    fast, slow = speak(voice, fps=fps, keys="uniform"), speak(voice, fps=fps / factor, keys="uniform")
    same = slow.frames - 15  # the last key frames stand at slightly different times
    assert fast.weights[::factor][:same] == pytest.approx(slow.weights[:same], abs=1e-5)
    assert set(fast.key_frames[:-1] % factor) == {0}
    for part in range(1, factor):  # between two frames lies nothing that is in neither
        ends = np.sort(np.stack([fast.weights[:-factor:factor], fast.weights[factor::factor]]), axis=0)
        inside = fast.weights[part::factor][: ends.shape[1]]
        assert (inside >= ends[0][: len(inside)] - 1e-5).all()
        assert (inside <= ends[1][: len(inside)] + 1e-5).all()


def test_without_life_nothing_but_speech_moves(tiny_config, voice, face):
    torch.manual_seed(0)
    model = KMTalk(tiny_config).eval()
    torch.nn.init.normal_(model.key_decoder.motion.weight)
    channels = [face.basis_names.index(name) for name in CHANNELS]
    mask = torch.zeros(len(face.basis_names), dtype=torch.bool)
    mask[channels] = True
    model.hold_still(mask)
    still = animate((voice, 16000), model=model, life=False)
    alive = animate((voice, 16000), model=model, life=True)
    assert not still.weights[:, channels].any()
    assert not still.motion.head_pose.any()
    assert alive.weights[:, channels].any()
    assert alive.motion.head_pose.any()
    rest = np.delete(np.arange(len(face.basis_names)), channels)
    assert np.array_equal(still.weights[:, rest], alive.weights[:, rest])


def test_the_seed_is_of_the_life(tiny_model, voice):
    a, b, c = (animate((voice, 16000), model=tiny_model, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(a.weights, b.weights)
    assert not np.array_equal(a.motion.head_pose, c.motion.head_pose)


@pytest.mark.parametrize("seed", [-1, 1.5, "a", None])
def test_seeds_that_cannot_be(tiny_model, voice, seed):
    assert "whole number" in complaint(animate, (voice, 16000), model=tiny_model, seed=seed)


def test_the_model_s_name_is_kept(tiny_model, voice, tmp_path):
    tiny_model.save_pretrained(tmp_path / "little")
    loaded = load_model(tmp_path / "little")
    assert animate((voice, 16000), model=loaded, life=False).model == "little"


def test_a_device_that_is_not_there(tiny_model, tmp_path):
    tiny_model.save_pretrained(tmp_path / "little")
    assert next(load_model(tmp_path / "little", device="auto").parameters()).isfinite().all()
    if not torch.cuda.is_available():
        assert "no GPU" in complaint(load_model, tmp_path / "little", device="cuda")
    assert "choose cpu, cuda or auto" in complaint(load_model, tmp_path / "little", device="tpu")


def test_any_rate_and_channel_count(tiny_model, voice, animation):
    stereo = np.repeat(voice, 3)[:, None].repeat(2, axis=1)
    made = animate((stereo, 48000), model=tiny_model, life=False)
    assert made.frames == 75
    assert made.duration == pytest.approx(3.0, abs=1e-3)


def test_phonemes_are_in_order_without_gaps(animation):
    assert all(isinstance(phoneme, Phoneme) for phoneme in animation.phonemes)
    for before, after in zip(animation.phonemes, animation.phonemes[1:], strict=False):
        assert before.end == after.start
        assert before.duration > 0


@pytest.fixture(scope="module")
def learned(tiny_config, face):
    """A model of a learned basis, with weights of any size, that brings its own face, uniform keys and two styles."""
    names = tuple(f"motion{index:03d}" for index in range(5))
    config = replace(tiny_config, weight_names=names, bounded=False, keys="uniform", subjects=("ann", "bob"))
    torch.manual_seed(1)
    model = KMTalk(config).eval()
    torch.nn.init.normal_(model.key_decoder.motion.weight, std=2.0)
    model.face = replace(face, name="own", basis=face.basis[:5], basis_names=names, look=None)
    return model


def test_a_learned_basis_moves_its_own_face_without_bounds(learned, voice):
    made = animate((voice, 16000), model=learned)
    assert made.face.name == "own"
    assert made.weights.min() < 0 and made.weights.max() > 1
    assert not made.motion.life.any()  # it has no eyes by name
    assert made.motion.head_pose.any()
    stiff = replace(learned.face, head_weight=np.zeros_like(learned.face.head_weight))
    assert not animate((voice, 16000), model=learned, face=stiff).motion.head_pose.any()


def test_the_model_s_own_kind_of_keys_is_the_default(learned, voice):
    own = animate((voice, 16000), model=learned).key_frames
    boundaries = animate((voice, 16000), model=learned, keys="phonemes").key_frames
    assert len(own) == len(boundaries)
    assert np.ptp(np.diff(own)) <= 1


def test_a_style_is_one_of_the_model_s_subjects(learned, voice):
    ann, bob = (animate((voice, 16000), model=learned, style=name) for name in ("ann", "bob"))
    assert not np.array_equal(ann.weights, bob.weights)
    assert "'eve'" in complaint(animate, (voice, 16000), model=learned, style="eve")
