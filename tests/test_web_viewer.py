"""What the viewer is given."""

import base64
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kmtalk.motion import Animation, Motion
from kmtalk.render import CAMERAS
from kmtalk.web.viewer import Viewer, ViewerData, choose, viewer_data, viewer_faces, viewer_motion


def animation(face, frames=6, fps=25.0):
    random = np.random.default_rng(4)
    weights = random.uniform(0, 1, (frames, len(face.basis_names))).astype(np.float32)
    weights[:, 3] = 0
    head_pose = random.normal(0, 0.05, (frames, 6)).astype(np.float32)
    return Animation(
        audio=np.zeros(round(16000 * frames / fps), np.float32),
        face=face,
        motion=Motion(weights, face.basis_names, fps, head_pose),
        phonemes=(),
        key_frames=np.array([0, frames - 1]),
        key_motions=weights[[0, -1]],
    )


@pytest.fixture(scope="module")
def faces(face, tmp_path_factory):
    heads = {"ari": face, "somebody": replace(face, name="somebody", look=None)}
    return viewer_faces(heads, tmp_path_factory.mktemp("faces"))


def test_a_head_has_texture_and_portrait_and_a_bare_face_only_its_shape(faces):
    for file in (faces["ari"].geometry, faces["ari"].texture, faces["ari"].portrait, faces["somebody"].geometry):
        assert Path(file.path).stat().st_size > 1000
    assert faces["somebody"].texture is None and faces["somebody"].portrait is None


def test_a_motion_comes_back_from_its_numbers(face):
    made = animation(face)
    motion = viewer_motion(made)
    numbers = np.frombuffer(base64.b64decode(motion.track), "<i2").reshape(6, -1)
    expected = np.hstack([made.weights, made.motion.head_pose])
    np.testing.assert_allclose(numbers * motion.steps, expected, atol=np.abs(expected).max() / 65000)
    assert (motion.fps, motion.frames, motion.duration) == (25, 6, 0.24)
    assert len(motion.steps) == 54 + 6


def test_ten_seconds_of_motion_weigh_little(face):
    assert len(viewer_motion(animation(face, frames=250)).track) < 45_000


def test_a_face_at_rest_needs_no_animation(faces):
    data = viewer_data(faces, "somebody")
    assert data.motion is None and data.sound is None
    assert data.identity == "somebody"
    assert (data.camera, data.look, data.background) == ("front", "skin", "studio")


def test_settings_and_sound_go_along(faces, face, tmp_path):
    sound = tmp_path / "sound.wav"
    view = {"take": "7", "camera": "close", "look": "clay", "background": "#123456"}
    data = viewer_data(faces, "ari", animation(face), sound, **view)
    assert data.sound.path == str(sound)
    assert {name: getattr(data, name) for name in view} == view
    assert ViewerData(**data.model_dump()) == data


def test_the_component_brings_shaders_cameras_and_the_shared_clock(faces):
    viewer = Viewer(viewer_data(faces, "ari"), hint="Press Animate", render=False)
    for needed in ("function sharedClock", "class Head", "gl_Position", "sampler2DShadow", *CAMERAS):
        assert needed in viewer.js_on_load
    assert viewer.props["hint"] == "Press Animate"
    assert viewer.api_info()["title"] == "ViewerData"
    # Gradio evaluates these as JavaScript templates
    assert not re.search(r"\$\{|`|\{\{", viewer.html_template + viewer.css_template)


def test_a_choice_changes_the_fields_it_names():
    assert choose("camera") == "(camera, value) => value && { ...value, camera }"
    assert choose("look", "camera") == "(look, camera, value) => value && { ...value, look, camera }"
