"""Handles on poses of the shipped head: each does what its name says, and lips touch where they are told to."""

from dataclasses import replace

import numpy as np
import pytest

from kmtalk.errors import InputError
from kmtalk.handles import Handles, close, has_handles, reshape


@pytest.fixture(scope="module")
def poses(face):
    """Some random poses of the mouth."""
    weights = np.random.default_rng(0).uniform(0, 0.5, (20, len(face.basis_names))).astype(np.float32)
    weights[:, [not name.startswith(("mouth", "jaw")) for name in face.basis_names]] = 0
    return weights


def weight(face, pose, name):
    return pose[face.basis_names.index(name)]


def test_neutral_handles_leave_the_pose(face, poses):
    assert all(np.array_equal(reshape(face, pose, Handles()), pose) for pose in poses)


@pytest.mark.parametrize("jaw", [-1, 0, 1])
@pytest.mark.parametrize("strength", [0, 1, 2])
def test_closed_lips_touch(face, poses, jaw, strength):
    for pose in poses:
        shut = reshape(face, pose, Handles(jaw=jaw, closed=1, strength=strength))
        assert abs(float(face.lip_gap(shut))) < 1e-5
        assert 0 <= shut.min() <= shut.max() <= 1


def test_half_closed_lies_between(face, poses):
    gaps = [[float(face.lip_gap(reshape(face, pose, Handles(closed=c)))) for c in (0, 0.5, 1)] for pose in poses]
    opened = np.array([gap for gap in gaps if gap[0] > 1e-3])
    assert len(opened) > 5
    assert (np.diff(opened, axis=1) < 0).all()


def test_rounded_and_wide(face, poses):
    for pose in poses:
        widths = [
            float(face.distance(reshape(face, pose, Handles(round=r))[None], "lip_corner_left", "lip_corner_right")[0])
            for r in (-1, 0, 1)
        ]
        assert widths[0] > widths[1] > widths[2]


def test_lips_do_not_pass_through_each_other(face, poses):
    for pose in poses:
        before = min(0.0, float(face.lip_gap(pose)))
        for handles in (Handles(jaw=-1), Handles(jaw=-1, round=1), Handles(round=1), Handles(round=-1, strength=1.5)):
            assert float(face.lip_gap(reshape(face, pose, handles))) > before - 1e-5


def test_strength_scales_the_pose(face, poses):
    assert weight(face, reshape(face, poses[0] * 0, Handles(strength=2)), "mouthPucker") == 0
    half = reshape(face, poses[0], Handles(strength=0.5))
    assert weight(face, half, "mouthPucker") == pytest.approx(weight(face, poses[0], "mouthPucker") / 2)


def test_closing_keeps_the_lips_rounded(face):
    pose = np.zeros(len(face.basis_names), np.float32)
    pose[face.basis_names.index("mouthPucker")] = 0.7
    assert weight(face, close(face, pose), "mouthPucker") == pytest.approx(0.7)


def test_a_face_without_the_rig_s_names(face, poses):
    bare = replace(face, basis_names=tuple(f"motion{index}" for index in range(len(face.basis_names))))
    assert has_handles(face) and not has_handles(bare)
    assert reshape(bare, poses[0], Handles(strength=3)) == pytest.approx(poses[0] * 3)
    with pytest.raises(InputError, match="only strength works there"):
        reshape(bare, poses[0], Handles(closed=1))
