import re
from random import Random

import pytest

from kmtalk.data import words
from kmtalk.data.sentences import languages, sentence
from kmtalk.data.voices import voices
from kmtalk.errors import InputError


def _some(language: str, count: int = 300) -> list[str]:
    random = Random(4)
    return [sentence(random, language) for _ in range(count)]


def test_same_seed_gives_the_same_sentences():
    assert [sentence(Random(7), "en") for _ in range(3)] == [sentence(Random(7), "en")] * 3
    assert _some("de", 5) == _some("de", 5)
    assert sentence(Random(7), "en") != sentence(Random(8), "en")


@pytest.mark.parametrize("language", languages())
def test_sentences_vary_and_end_like_sentences(language):
    said = _some(language)
    assert len(set(said)) > 0.9 * len(said)
    assert all(text[-1] in ".?!" and len(text) < 300 and "\n" not in text for text in said)


def test_english_has_questions_numbers_names_and_fillers():
    text = " ".join(_some("en", 1000))
    assert text.count("?") > 80
    assert len(re.findall(r"\d+", text)) > 50
    assert sum(text.count(name) for name in words.NAMES) > 150
    assert all(filler in text.lower() for filler in ("um,", "you know,", "oh,", "well,"))


def test_english_says_an_before_a_vowel():
    assert not re.search(r"\ba [aeiou]", " ".join(_some("en", 1000)), re.IGNORECASE)


def test_every_voice_has_sentences_in_its_language_and_encoding():
    for voice in voices(permissive_only=False):
        sentence(Random(1), voice.language).encode(voice.encoding)


def test_unknown_language_is_refused():
    with pytest.raises(InputError, match="'tlh'.*'de'"):
        sentence(Random(1), "tlh")
