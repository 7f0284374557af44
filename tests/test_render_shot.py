"""What may be chosen about a picture, and what is said about the rest."""

from dataclasses import replace

import numpy as np
import pytest

from kmtalk.errors import InputError
from kmtalk.face import load_face
from kmtalk.render import ASPECTS, BACKDROPS, CAMERAS, Camera, Shot, find_backdrop, frames, still
from kmtalk.render.shot import choose


@pytest.mark.parametrize(
    ("aspect", "pixels"), [("square", (512, 512)), ("portrait", (512, 640)), ("tall", (512, 910)), ("wide", (910, 512))]
)
def test_size_is_the_shorter_side(aspect, pixels):
    assert Shot(aspect=aspect).pixels == pixels


def test_usual_sizes_of_video_are_met():
    assert Shot(720, "wide").pixels == (1280, 720)
    assert Shot(1080, "tall").pixels == (1080, 1920)
    assert Shot((640, 360)).pixels == (640, 360)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"size": 511}, "even numbers from 64 to 3840"),
        ({"size": 3000, "aspect": "wide"}, "cannot draw 5334x3000"),
        ({"size": "512"}, "shorter side in pixels"),
        ({"size": (512, 640), "aspect": "wide"}, "has its own aspect"),
        ({"aspect": "round"}, "no aspect 'round': use one of square, portrait, tall, wide"),
        ({"camera": "top"}, "no camera 'top'"),
        ({"background": "#12345"}, "no background '#12345': use one of studio, .*transparent, or a colour such as"),
        ({"background": 7}, "no background 7"),
        ({"look": "wood"}, "no look 'wood': use one of skin, clay"),
        ({"captions": "songs"}, "no captions 'songs': use one of none, phonemes, words"),
        ({"renderer": "blender"}, "no renderer 'blender'"),
        ({"renderer": "pyrender", "background": "transparent"}, "draws no transparent background"),
    ],
)
def test_what_is_not_allowed_is_a_sentence(settings, said):
    with pytest.raises(InputError, match=said):
        Shot(**settings)


def test_settings_change_a_shot_and_leave_the_rest():
    shot = Shot(size=720, camera="close")
    assert choose(shot, {"look": "clay"}) == replace(shot, look="clay")
    assert choose(None, {}) == Shot()
    with pytest.raises(TypeError, match="colour"):
        choose(shot, {"colour": "red"})


def test_backgrounds_are_names_or_colours():
    assert find_backdrop(None) == BACKDROPS["studio"]
    assert find_backdrop("transparent") is None
    inner, outer = find_backdrop("#ff8000")
    assert inner == outer == pytest.approx((1, 128 / 255, 0))


def test_an_upright_picture_shows_the_head_larger_and_a_camera_of_ones_own_is_left_alone():
    fields = [Shot(aspect=aspect).view.field_of_view for aspect in ("wide", "square", "portrait", "tall")]
    assert fields[0] == fields[1] == CAMERAS["front"].field_of_view
    assert fields[1] > fields[2] > fields[3]
    own = Camera(azimuth=90)
    assert Shot(aspect="tall", camera=own).view == own


@pytest.mark.parametrize("aspect", ASPECTS)
def test_the_head_is_whole_in_every_aspect(aspect):
    face = load_face("ari")
    picture = still(face, np.zeros(len(face.basis_names)), size=96, aspect=aspect, background="#00ff00")
    behind = (picture.astype(int) - [0, 255, 0] == 0).all(2)
    assert behind[:1].all()  # above the hair
    assert behind[: len(behind) // 2, :2].all() and behind[: len(behind) // 2, -2:].all()  # beside the ears
    assert 0.2 < (~behind).mean() < 0.75


def test_clay_has_the_shape_and_none_of_the_colours():
    face = load_face("ari")
    weights = np.zeros(len(face.basis_names), np.float32)
    skin, clay = (still(face, weights, size=128, look=look, background="#00ff00") for look in ("skin", "clay"))
    outside = [(picture == [0, 255, 0]).all(2) for picture in (skin, clay)]
    assert (outside[0] == outside[1]).mean() > 0.99
    middle = np.s_[40:80, 50:78]
    spread = [np.ptp(picture[middle].astype(int), axis=2).mean() for picture in (skin, clay)]
    assert spread[1] < 35 < spread[0]


def test_closing_stops_the_drawing(monkeypatch):
    from kmtalk.motion import Animation, Motion
    from kmtalk.render.opengl import OpenGLRenderer

    drawn = []
    draw = OpenGLRenderer.draw
    monkeypatch.setattr(OpenGLRenderer, "draw", lambda self, *surface: drawn.append(1) or draw(self, *surface))
    face = load_face("ari")
    weights = np.zeros((100, len(face.basis_names)), np.float32)
    motion = Motion(weights, face.basis_names, 25.0, np.zeros((100, 6), np.float32))
    pictures = frames(Animation(np.zeros(64000, np.float32), face, motion, (), np.array([0]), weights[:1]), size=64)
    next(pictures)
    pictures.close()
    assert len(drawn) <= 3
    assert next(pictures, None) is None
