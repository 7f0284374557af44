"""Animation: what it tells of a motion, on a face of four vertices and on the shipped head."""

import numpy as np
import pytest

from kmtalk.face import Face
from kmtalk.motion import Animation, Motion
from kmtalk.phonemes import Phoneme


@pytest.fixture
def square():
    """Upper lip, lower lip and two corners; the first shape opens by 10 mm, the second widens by 20 mm."""
    template = np.array([[0, 0.001, 0], [0, 0, 0], [-0.02, 0, 0], [0.02, 0, 0]], np.float32)
    basis = np.zeros((2, 4, 3), np.float32)
    basis[0, 1, 1] = -0.01
    basis[1, 2:, 0] = -0.01, 0.01
    return Face(
        name="square",
        template=template,
        triangles=np.array([[0, 1, 2], [0, 1, 3]], np.int32),
        basis=basis,
        basis_names=("open", "wide"),
        regions={},
        landmarks={"lip_inner_upper": 0, "lip_inner_lower": 1, "lip_corner_left": 3, "lip_corner_right": 2},
        head_weight=np.ones(4, np.float32),
        head_pivot=np.zeros(3, np.float32),
    )


def make(face, weights, fps=25.0, samples=16000):
    weights = np.asarray(weights, np.float32)
    motion = Motion(weights, face.basis_names, fps, np.zeros((len(weights), 6), np.float32))
    phonemes = (Phoneme("AA", 0.0, samples / 16000),)
    keys = np.array([0, len(weights) - 1])
    return Animation(np.zeros(samples, np.float32), face, motion, phonemes, keys, weights[keys])


def test_it_tells_its_measures(square):
    animation = make(square, np.zeros((30, 2)), fps=30.0, samples=16160)
    assert (animation.fps, animation.frames, animation.duration) == (30.0, 30, 1.01)
    assert animation.weights is animation.motion.weights
    assert animation.features.size == 0
    assert animation.model == ""


def test_vertices_are_the_template_and_the_weighted_basis(square):
    animation = make(square, [[0, 0], [0.5, 1], [1, 0.25]])
    vertices = animation.vertices()
    assert vertices.shape == (3, 4, 3)
    assert vertices.dtype == np.float32
    assert vertices[0] == pytest.approx(square.template)
    assert vertices[1] == pytest.approx(np.array([[0, 0.001, 0], [0, -0.005, 0], [-0.03, 0, 0], [0.03, 0, 0]]))
    assert np.array_equal(animation.vertices(1, 3), vertices[1:3])
    assert np.array_equal(animation.vertices(2), vertices[2:])


def test_mouth_opening_and_width_in_metres(square):
    animation = make(square, [[0, 0], [0.5, 1], [-0.5, 0.25]])
    assert animation.mouth_opening() == pytest.approx([0.001, 0.006, 0.0], abs=1e-8)  # never below 0
    assert animation.mouth_width() == pytest.approx([0.04, 0.06, 0.045], abs=1e-8)


def test_the_shipped_head_opens_and_rounds(face):
    weights = np.zeros((3, len(face.basis_names)), np.float32)
    weights[1, face.basis_names.index("jawOpen")] = 0.5
    weights[2, face.basis_names.index("mouthPucker")] = 1.0
    animation = make(face, weights)
    rest, open_, pucker = animation.mouth_opening() * 1e3
    assert rest < 0.5
    assert open_ > 10
    assert pucker < open_
    width = animation.mouth_width() * 1e3
    assert 35 < width[0] < 65
    assert width[2] < width[0] - 5


def test_values_are_frozen(square):
    with pytest.raises(AttributeError):
        make(square, np.zeros((2, 2))).model = "other"
