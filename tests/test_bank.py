"""The bank: every clip at every speed, its spectra, labels and motion in step."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from kmtalk.data.articulation import Articulation
from kmtalk.data.bank import CHILDLIKE, SPEEDS, _speeds, build_bank, frame_labels, is_formant, open_bank
from kmtalk.errors import InputError
from kmtalk.face import load_face
from kmtalk.models.encoder import BINS, power_spectrum
from kmtalk.phonemes import LABELS, Phoneme
from tests.conftest import FORMANTS


def test_entries_follow_each_other_without_gaps(bank, clips):
    places = [(entry.start, entry.stop) for entry in bank.entries]
    assert places[0][0] == 0
    assert all(before[1] == after[0] for before, after in zip(places, places[1:], strict=False))
    frames = places[-1][1]
    assert bank.spectra.shape == (frames, BINS)
    assert bank.labels.shape == (frames,)
    assert bank.motion.shape == (frames, 54)
    assert (bank.spectra.dtype, bank.labels.dtype, bank.motion.dtype) == (np.float16, np.int8, np.float16)


def test_recorded_voices_that_train_come_at_every_speed(bank, clips):
    speeds = {}
    for entry in bank.entries:
        speeds.setdefault((entry.voice, entry.split), []).append(entry.speed)
    assert speeds["voice-0", "train"] == list(SPEEDS) * 2
    assert speeds["espeak-anna", "train"] == [1.0]
    assert speeds["voice-1", "validation"] == [1.0]


def test_men_become_children_too(clips):
    assert _speeds(replace(clips[0], voice="flite-awb"), SPEEDS) == (*SPEEDS, CHILDLIKE)
    assert _speeds(replace(clips[0], voice="flite-slt"), SPEEDS) == SPEEDS
    assert _speeds(replace(clips[0], voice="flite-awb", split="validation"), SPEEDS) == (1.0,)


def test_a_faster_clip_is_shorter_and_higher(bank, clips):
    plain, slow, fast = bank.entries[:3]
    frames = len(clips[0].audio) / 160
    assert plain.stop - plain.start == int(frames)
    assert slow.stop - slow.start == pytest.approx(frames / 0.82, abs=2)
    assert fast.stop - fast.start == pytest.approx(frames / 1.22, abs=2)
    label = next(phoneme.label for phoneme in clips[0].phonemes if phoneme.label != "sil")
    low, high = FORMANTS[label]
    for entry in (plain, slow, fast):
        part = slice(entry.start, entry.stop)
        sounding = np.exp(bank.spectra[part][bank.labels[part] == LABELS.index(label)].astype(np.float32)).mean(0)
        hertz = np.linspace(0, 8000, BINS)
        above = hertz > (low + high) / 2 * entry.speed
        assert hertz[above][sounding[above].argmax()] == pytest.approx(high * entry.speed, abs=130)


def test_frames_hold_what_was_spoken(bank, clips, face):
    entry, clip = bank.entries[0], clips[0]
    part = slice(entry.start, entry.stop)
    power = power_spectrum(torch.from_numpy(clip.audio)[None])[0]
    assert np.exp(bank.spectra[part].astype(np.float32)) == pytest.approx(power.numpy() + 1e-8, rel=0.02)
    frames = entry.stop - entry.start
    assert bank.labels[part].tolist() == frame_labels(clip.phonemes, frames).tolist()
    motion = Articulation(face).articulate(clip.phonemes, clip.audio, frames)
    assert bank.motion[part].astype(np.float32) == pytest.approx(motion, abs=1e-3)


def test_labels_stand_at_their_phonemes():
    labels = frame_labels((Phoneme("AA", 0.02, 0.05), Phoneme("B", 0.05, 0.07)), 10)
    assert [LABELS[label] for label in labels] == ["sil"] * 2 + ["AA"] * 3 + ["B"] * 2 + ["sil"] * 3


def test_only_what_speech_moves_is_moved(bank, face):
    moved = {name for name, moves in zip(face.basis_names, bank.moved(), strict=True) if moves}
    assert {"jawOpen", "mouthPucker", "mouthPressLeft"} <= moved
    assert not {"eyeBlinkLeft", "browInnerUp", "jawLeft"} & moved


def test_a_whole_bank_is_opened_and_an_unfinished_one_made_again(clips, face, tmp_path):
    rules = Articulation(face)
    made = build_bank(clips[:1], rules, tmp_path)
    content = (tmp_path / "spectra.f16").read_bytes()
    written = (tmp_path / "spectra.f16").stat().st_mtime_ns
    again = build_bank(clips[:1], rules, tmp_path)
    assert (tmp_path / "spectra.f16").stat().st_mtime_ns == written
    assert again.entries == made.entries == open_bank(tmp_path).entries
    (tmp_path / "bank.json").unlink()
    (tmp_path / "spectra.f16").write_bytes(content[:1000])
    assert build_bank(clips[:1], rules, tmp_path).entries == made.entries
    assert (tmp_path / "spectra.f16").read_bytes() == content


def test_formant_voices():
    assert is_formant("espeak-de")
    assert not is_formant("kal")


def test_a_bank_of_another_face_is_not_taken_for_this_one(clips, face, tmp_path):
    build_bank(clips, Articulation(face), tmp_path)
    with pytest.raises(InputError, match="another corpus, face or rules"):
        build_bank(clips, Articulation(load_face("ben")), tmp_path)
