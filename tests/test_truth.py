"""Ground-truth motion: speech and life side by side, in channels of their own."""

import numpy as np

from kmtalk.data.articulation import Articulation
from kmtalk.data.truth import true_motion
from kmtalk.life import CHANNELS


def test_speech_and_life_keep_to_their_own_channels(clips, face):
    clip, rules = clips[0], Articulation(face)
    motion = true_motion(clip, rules, fps=25, seed=1)
    assert motion.weights.shape == (round(len(clip.audio) / 16000 * 25), len(face.basis_names))
    living = np.isin(face.basis_names, CHANNELS)
    spoken = rules.articulate(clip.phonemes, clip.audio, len(clip.audio) // 160)
    assert not spoken[:, living].any()
    np.testing.assert_allclose(motion.weights[0, ~living], spoken[0, ~living], atol=1e-6)
    np.testing.assert_allclose(motion.weights[5, ~living], spoken[20, ~living], atol=1e-6)
    assert motion.weights[:, living].any()
    assert np.abs(motion.head_pose[:, :3]).max() > np.radians(0.1)


def test_the_seed_changes_life_and_not_speech(clips, face):
    rules = Articulation(face)
    one, other = (true_motion(clips[0], rules, seed=seed) for seed in (1, 2))
    living = np.isin(face.basis_names, CHANNELS)
    np.testing.assert_array_equal(one.weights[:, ~living], other.weights[:, ~living])
    assert (one.weights[:, living] != other.weights[:, living]).any()
