"""Captions: which tokens are written when, and that they can be seen."""

import numpy as np
import pytest

from kmtalk.errors import InputError
from kmtalk.face import load_face
from kmtalk.motion import Animation, Motion
from kmtalk.phonemes import Phoneme, Word
from kmtalk.render import Shot, frames
from kmtalk.render.captions import Captions, Token, make_captions
from kmtalk.render.lettering import find_font

GREY = np.full((256, 512, 3), 128, np.uint8)
AMBER = (255, 196, 64)


def said(*spans):
    return [Token(text, start, end) for text, start, end in spans]


def hello():
    return Captions(said(("HH", 0.2, 0.3), ("AH", 0.3, 0.4), ("L", 1.0, 1.1), ("OW", 1.1, 1.3)), (512, 256))


def texts(captions):
    return [[token.text for token in line] for line in captions.lines]


def amber(picture):
    """Columns in which the colour of the sounding token shows."""
    return np.flatnonzero((np.abs(picture[..., :3].astype(int) - AMBER).max(2) < 90).any(0))


def test_a_pause_ends_a_line():
    assert texts(hello()) == [["HH", "AH"], ["L", "OW"]]


def test_long_lines_are_broken_evenly_within_the_picture():
    captions = Captions(said(*((f"word{index:02}", index, index + 1.0) for index in range(15))), (512, 256))
    assert sum(texts(captions), []) == [f"word{index:02}" for index in range(15)]
    assert all(4 <= len(line) <= 6 for line in captions.lines)
    for line in captions.lines:
        assert sum(map(captions._advance, line)) < 512


def test_the_sounding_token_is_lit_while_it_sounds_and_nothing_is_written_in_a_pause():
    captions = hello()
    assert captions.write(GREY, 0.1) is GREY
    first, second = (amber(captions.write(GREY, time)) for time in (0.2, 0.36))
    assert first.size and second.size and first.max() < second.min()
    between = captions.write(GREY, 0.5)
    assert between is not GREY and not amber(between).size
    assert captions.write(GREY, 0.9) is GREY
    assert amber(captions.write(GREY, 1.2)).size
    assert captions.write(GREY, 2.0) is GREY


def test_captions_are_in_the_lower_part_and_legible():
    changed = (hello().write(GREY, 0.2) != GREY).any(2)
    rows = np.flatnonzero(changed.any(1))
    assert rows.min() > 256 * 0.75 and rows.max() < 255
    lit = hello().write(GREY, 0.2).max(2)
    assert lit.max() > 220 and lit[rows.min() + 2, 256] < 80


def test_captions_stand_on_transparent_pictures():
    clear = np.zeros((256, 512, 4), np.uint8)
    written = hello().write(clear, 0.2)
    assert written[:180].max() == 0
    assert written[..., 3].max() == 255
    assert amber(written).size


def test_a_token_wider_than_the_picture_is_made_to_fit():
    captions = Captions(said(("Donaudampfschifffahrtsgesellschaft", 0.0, 1.0)), (256, 256))
    assert amber(captions.write(GREY[:, :256], 0.5)).size


@pytest.fixture(scope="module")
def animation():
    face = load_face("ari")
    weights = np.zeros((10, len(face.basis_names)), np.float32)
    motion = Motion(weights, face.basis_names, 10.0, np.zeros((10, 6), np.float32))
    phonemes = (Phoneme("sil", 0.0, 0.3), Phoneme("AA", 0.3, 0.6), Phoneme("sil", 0.6, 1.0))
    words = (Word("ah", 0.3, 0.6),)
    audio = np.zeros(16000, np.float32)
    return Animation(audio, face, motion, phonemes, np.array([0, 9]), weights[:2], words=words)


@pytest.mark.parametrize("captions", ["phonemes", "words"])
def test_frames_bear_the_captions_of_their_time(animation, captions):
    pictures = frames(animation, size=192, captions=captions, background="black", look="clay")
    lit = [amber(picture[160:]).size > 0 for picture in pictures]
    assert lit == [3 <= frame < 6 for frame in range(10)]


def test_words_need_a_transcript(animation):
    from dataclasses import replace

    with pytest.raises(InputError, match="need a transcript"):
        make_captions(replace(animation, words=()), Shot(captions="words"))
    assert make_captions(animation, Shot()) is None


def test_letters_beyond_english_have_a_font_or_a_sentence():
    try:
        font = find_font(["naïve", "Привет"], 20)
    except InputError as error:
        assert "fonts-dejavu-core" in str(error)
    else:
        assert font.getname()[0] == "DejaVu Sans"
    assert find_font(["naive"], 20).getname()[0].startswith("Aileron")
