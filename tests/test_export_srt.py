"""Captions, read back by an independent reader."""

from dataclasses import replace

import numpy as np
import pytest
import srt

from kmtalk.errors import InputError
from kmtalk.export import export
from kmtalk.export.srt import captions
from kmtalk.motion import Animation, Motion
from kmtalk.phonemes import Word

PORRIDGE = (
    "Once upon a time there was a bear who cooked porridge, and it was far too hot. She waited. "
    "Then she walked through the forest until the bowl had cooled down to what a reasonable bear might call warm!"
)


def spoken(text, start=0.5, seconds=0.3, gap=0.05, pauses=None):
    """The words of a text, one after the other; pauses: word index -> seconds of silence before it."""
    words, time = [], start
    for index, word in enumerate(text.split()):
        time += (pauses or {}).get(index, 0)
        words.append(Word(word, time, time + seconds))
        time += seconds + gap
    return tuple(words)


def animation(face, words):
    motion = Motion(np.zeros((10, 54), np.float32), face.basis_names, 25.0, np.zeros((10, 6), np.float32))
    return Animation(
        np.zeros(6400, np.float32), face, motion, (), np.array([0, 9]), motion.weights[[0, 9]], words=words
    )


def test_an_independent_reader_finds_every_word_once(face, tmp_path):
    path = export(animation(face, spoken(PORRIDGE)), tmp_path / "talk.srt")
    subtitles = list(srt.parse(path.read_text(encoding="utf-8")))
    assert [subtitle.index for subtitle in subtitles] == list(range(1, len(subtitles) + 1))
    assert " ".join(subtitle.content.replace("\n", " ") for subtitle in subtitles) == PORRIDGE
    assert subtitles[0].start.total_seconds() == 0.5
    assert subtitles[-1].end.total_seconds() == pytest.approx(spoken(PORRIDGE)[-1].end, abs=1e-3)


@pytest.mark.parametrize("seconds", [0.15, 0.3, 0.9])
@pytest.mark.parametrize("seed", range(5))
def test_captions_are_readable_however_fast_one_speaks(seconds, seed):
    random = np.random.default_rng(seed)
    letters = random.integers(1, 12, 300)
    text = " ".join("x" * count + random.choice(["", "", "", ".", ","]) for count in letters)
    pauses = {index: random.uniform(0, 3) for index in random.choice(300, 30)}
    made = captions(spoken(text, seconds=seconds, pauses=pauses))
    assert " ".join(" ".join(caption.lines) for caption in made) == text
    for caption, following in zip(made, [*made[1:], None], strict=True):
        assert len(caption.lines) <= 2
        assert max(map(len, caption.lines)) <= 42
        assert 1 - 1e-9 <= caption.end - caption.start <= 7 + 1e-9
        assert following is None or caption.end <= following.start


def test_captions_break_at_sentences_and_pauses():
    made = captions(spoken("It was hot. She waited a while and then she left.", pauses={7: 0.8}))
    assert [caption.lines for caption in made] == [("It was hot.",), ("She waited a while",), ("and then she left.",)]


def test_two_lines_are_about_as_long():
    (made,) = captions(spoken("Porridge that has been left to cool down tastes of patience", seconds=0.2))
    assert made.lines == ("Porridge that has been left to", "cool down tastes of patience")


def test_a_single_short_word_stays_for_a_second_and_a_long_one_for_seven():
    assert [(c.start, c.end) for c in captions([Word("Oh", 1.0, 1.2), Word("Aaah", 9.0, 20.0)])] == [(1, 2), (9, 16)]


def test_no_caption_is_held_past_the_recording():
    assert [(c.start, c.end) for c in captions([Word("Oh", 1.0, 1.2)], 1.5)] == [(1, 1.5)]


def test_times_are_hours_minutes_seconds_and_milliseconds(face, tmp_path):
    late = animation(face, (Word("naïve", 3661.0004, 3662.9996),))
    expected = "1\n01:01:01,000 --> 01:01:03,000\nnaïve\n\n"
    assert export(late, tmp_path / "late.srt").read_text(encoding="utf-8") == expected


def test_without_words_there_are_no_captions(face, tmp_path):
    with pytest.raises(InputError, match="captions need the words: animate with a transcript"):
        export(replace(animation(face, ()), words=()), tmp_path / "talk.srt")
    assert not list(tmp_path.iterdir())
