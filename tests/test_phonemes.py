"""Labels, phonemes and the key frames they give, against values worked out by hand."""

import numpy as np
import pytest

from kmtalk.phonemes import LABELS, VOWELS, Phoneme, centre_frames, key_frames


def test_labels_are_the_forty_of_the_contract():
    assert len(LABELS) == len(set(LABELS)) == 40
    assert LABELS[0] == "sil"
    assert VOWELS.issubset(LABELS)


def test_duration():
    assert Phoneme("AA", 0.25, 0.75).duration == 0.5


def test_key_frames_are_the_nearest_frames_to_the_boundaries():
    phonemes = (Phoneme("sil", 0.0, 0.11), Phoneme("AA", 0.11, 0.21), Phoneme("B", 0.21, 0.39))
    # 0.11 s * 25 = 2.75, 0.21 s * 25 = 5.25; 0.39 s * 25 = 9.75 is past the last frame, 9
    keys = key_frames(phonemes, 25, 10)
    assert keys.dtype == np.int64
    assert keys.tolist() == [0, 3, 5, 9]


def test_boundaries_on_one_frame_merge():
    phonemes = (Phoneme("T", 0.19, 0.20), Phoneme("S", 0.20, 0.21), Phoneme("sil", 0.21, 0.4))
    assert key_frames(phonemes, 25, 11).tolist() == [0, 5, 10]


def test_first_and_last_frame_are_always_keys():
    assert key_frames((), 25, 4).tolist() == [0, 3]
    assert key_frames((), 25, 1).tolist() == [0]
    assert key_frames((Phoneme("AA", 0.08, 0.12),), 25, 100).tolist() == [0, 2, 3, 99]


def test_boundaries_outside_the_motion_give_no_keys():
    phonemes = (Phoneme("AA", -0.4, 0.2), Phoneme("B", 0.2, 5.0))
    assert key_frames(phonemes, 30, 12).tolist() == [0, 6, 11]


def test_a_gap_between_phonemes_gives_both_its_ends():
    assert key_frames((Phoneme("AA", 0.0, 0.2), Phoneme("B", 0.4, 0.6)), 50, 31).tolist() == [0, 10, 20, 30]


def test_no_frames_is_a_mistake_of_the_program():
    with pytest.raises(ValueError, match="at least one frame"):
        key_frames((), 25, 0)


def test_centre_frames_are_the_middles_of_sounds_and_the_edges_of_silences():
    phonemes = (Phoneme("sil", 0.0, 0.2), Phoneme("AA", 0.2, 0.32), Phoneme("B", 0.32, 0.4), Phoneme("sil", 0.4, 0.8))
    # middles at 0.26 s * 25 = 6.5 (half to even) and 0.36 s * 25 = 9; silences from 0 to 5 and from 10 to 20
    assert centre_frames(phonemes, 25, 21).tolist() == [0, 5, 6, 9, 10, 20]
    assert centre_frames((), 25, 4).tolist() == [0, 3]
    assert centre_frames((Phoneme("AA", 0.0, 9.0),), 25, 4).tolist() == [0, 3]
