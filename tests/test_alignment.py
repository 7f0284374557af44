"""Forced alignment against made-up posteriors with a known answer, and real pronunciations."""

import itertools
import shutil

import numpy as np
import pytest

from kmtalk import alignment
from kmtalk.alignment import align, pronounce, viterbi
from kmtalk.animate import animate
from kmtalk.assets import asset
from kmtalk.data.examples import EXAMPLES
from kmtalk.errors import InputError
from kmtalk.phonemes import LABELS
from tests.conftest import sound, spoken

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs the program espeak-ng")


def posteriors(spans, sure=0.9, noise=0.0):
    """(T, 40) log-posteriors of (label, frames) spans."""
    rows = [LABELS.index(label) for label, frames in spans for _ in range(frames)]
    likely = np.full((len(rows), 40), (1 - sure) / 39)
    likely[np.arange(len(rows)), rows] = sure
    jitter = np.random.default_rng(0).normal(0, noise, likely.shape)
    return (np.log(likely) + jitter).astype(np.float32)


def by_hand(scores, labels, optional):
    """The best path, found by trying every one."""
    best = (-np.inf, None)
    sounds = [[index] if not skip else [index, None] for index, skip in enumerate(optional)]
    for chosen in itertools.product(*sounds):
        order = [index for index in chosen if index is not None]
        for cuts in itertools.combinations(range(1, len(scores)), len(order) - 1):
            edges = [0, *cuts, len(scores)]
            lengths = np.diff(edges)
            if lengths.min() >= 2:
                path = np.repeat(order, lengths)
                best = max(best, (scores[np.arange(len(scores)), labels[path]].sum(), path.tolist()))
    return best[1]


@pytest.mark.parametrize("seed", range(12))
def test_viterbi_finds_the_best_of_all_paths(seed):
    generator = np.random.default_rng(seed)
    scores = np.log(generator.dirichlet(np.ones(4), 9))
    labels, optional = np.array([0, 1, 2, 0, 3, 0]), np.array([True, False, False, True, False, True])
    assert viterbi(scores, labels, optional).tolist() == by_hand(scores, labels, optional)


def test_the_window_finds_the_same_path(monkeypatch):
    spans = [("sil", 40), *[(label, 7) for label in LABELS[1:] * 12], ("sil", 60)]
    labels = np.array([LABELS.index(label) for label, _ in spans])
    optional = np.array([True] + [False] * (len(spans) - 2) + [True])
    scores = posteriors(spans, noise=1.0)
    exact = viterbi(scores, labels, optional)
    monkeypatch.setattr(alignment, "_EXACT", 0)
    monkeypatch.setattr(alignment, "_WINDOW", 20)
    assert np.array_equal(viterbi(scores, labels, optional), exact)


@pytest.mark.parametrize("heard", ["sil", "AA"])
def test_the_window_reaches_the_end_of_text_that_does_not_fit(monkeypatch, heard):
    monkeypatch.setattr(alignment, "_EXACT", 0)
    monkeypatch.setattr(alignment, "_WINDOW", 5)
    labels = np.array([LABELS.index("P")] * 100)
    path = viterbi(posteriors([(heard, 230)]), labels, np.zeros(100, bool))
    assert path[0] == 0
    assert path[-1] == 99
    assert np.bincount(path, minlength=100).min() >= 2
    assert set(np.diff(path)) == {0, 1}


@pytest.mark.parametrize("seed", range(8))
def test_the_window_stands_a_best_sound_that_falls_back(monkeypatch, seed):
    monkeypatch.setattr(alignment, "_EXACT", 0)
    monkeypatch.setattr(alignment, "_WINDOW", 2)
    generator = np.random.default_rng(seed)
    scores, labels = generator.normal(0, 5, (300, 40)), generator.integers(0, 40, 60)
    path = viterbi(scores, labels, np.zeros(60, bool))
    assert set(np.diff(path)) == {0, 1}
    assert (path[0], path[-1]) == (0, 59)
    assert np.bincount(path).min() >= 2


@needs_espeak
def test_known_times_are_found():
    spans = [
        ("sil", 20),
        ("HH", 6),
        ("AH", 5),
        ("L", 7),
        ("OW", 15),
        ("sil", 30),
        ("W", 8),
        ("ER", 12),
        ("L", 6),
        ("D", 5),
    ]
    spans.append(("sil", 16))
    found, words = align("Hello, world!", posteriors(spans, sure=0.5, noise=0.5))
    assert [phoneme.label for phoneme in found] == [label for label, _ in spans]
    edges = np.cumsum([0] + [frames for _, frames in spans]) / 100
    assert [phoneme.start for phoneme in found] == pytest.approx(edges[:-1])
    assert [phoneme.end for phoneme in found] == pytest.approx(edges[1:])
    assert [word.text for word in words] == ["Hello,", "world!"]
    assert [(word.start, word.end) for word in words] == pytest.approx(np.array([(0.2, 0.53), (0.83, 1.14)]))
    assert align("Hello, world!", posteriors(spans, sure=0.5, noise=0.5), duration=1.294)[0][-1].end == 1.294


@needs_espeak
def test_silences_are_left_out_where_there_are_none():
    spans = [("HH", 6), ("AH", 5), ("L", 7), ("OW", 15), ("W", 8), ("ER", 12), ("L", 6), ("D", 5)]
    assert [phoneme.label for phoneme in align("hello world", posteriors(spans))[0]] == [label for label, _ in spans]


@needs_espeak
def test_sounds_that_are_heard_nowhere_still_last_two_frames():
    found, _ = align("hello world", posteriors([("AA", 40)]))
    assert [phoneme.label for phoneme in found if phoneme.label != "sil"] == "HH AH L OW W ER L D".split()
    assert min(phoneme.duration for phoneme in found) > 0.0199
    assert (found[0].start, found[-1].end) == (0, 0.4)


@needs_espeak
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello world", "HH AH L OW|W ER L D"),
        ("judge", "JH AH JH"),
        ("fire", "F AY ER"),
        ("more, please", "M OW R|P L IY Z"),
        ("25", "T W EH N T IY F AY V"),
        ("boy now", "B OY|N AW"),
        ("--help [[test]] <b>\n\nthing", "HH EH L P|T EH S T|B IY|TH IH NG"),
    ],
)
def test_pronunciation(text, words):
    assert [sounds for _, sounds in pronounce(text)] == [word.split() for word in words.split("|")]


@needs_espeak
def test_every_label_that_is_spoken_is_known():
    text = (
        "The quick brown fox jumps over a lazy dog; azure beige vision, button, naïve déjà vu, Schadenfreude, Żółw 你好"
    )
    assert {label for _, sounds in pronounce(text) for label in sounds} <= set(LABELS)


@needs_espeak
def test_another_language():
    assert pronounce("Straße", "de") == [("Straße", "SH T D AA S AH".split())]
    with pytest.raises(InputError, match="no voice 'klingonish'"):
        pronounce("hello", "klingonish")


@needs_espeak
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("out of the 25 men, one — you & me!", "out|of|the|25|men,|one —|you &|me!"),
        ("U.S.A. at $5.50?", "U.S.A.|at|$5.50?"),
        ("an ill-disposed\n man's\tdog", "an|ill-disposed|man's|dog"),
        ("[well] <then>", "well|then"),
    ],
)
def test_words_are_as_they_are_written(text, words):
    assert [word for word, _ in pronounce(text)] == words.split("|")


@needs_espeak
def test_what_a_number_is_called_belongs_to_it():
    said = dict(pronounce("the 25 of them"))
    assert said["25"] == "T W EH N T IY F AY V".split()
    assert said["them"] == "DH EH M".split()


@needs_espeak
def test_liaison_stays():
    assert dict(pronounce("les amis", "fr-fr"))["les"] == ["L", "EY", "Z"]


@needs_espeak
@pytest.mark.parametrize("spoken", ["F R EH N Z", "F R EH N D Z"])
def test_a_d_among_consonants_may_be_left_out(spoken):
    found, words = align("friends", posteriors([("sil", 10), *((label, 8) for label in spoken.split()), ("sil", 10)]))
    assert [phoneme.label for phoneme in found[1:-1]] == spoken.split()
    assert (words[0].start, words[0].end) == (0.1, pytest.approx(0.1 + 0.08 * len(spoken.split())))


@needs_espeak
def test_the_sound_says_where_boundaries_are():
    spoken_ones = spoken(("sil", 0.2), ("M", 0.2), ("AA", 0.3), ("sil", 0.2))
    early = posteriors([("sil", 19), ("M", 18), ("AA", 33), ("sil", 20)])  # a few frames off
    found, words = align("ma", early, audio=sound(spoken_ones))
    assert [phoneme.start for phoneme in found] == pytest.approx([0, 0.2, 0.4, 0.7], abs=0.0121)
    assert (words[0].start, words[0].end) == (found[1].start, found[2].end)


@needs_espeak
def test_text_of_another_recording_is_warned_of(caplog):
    animate(asset("examples", "bubbles.wav"), transcript=EXAMPLES["bubbles"][1].text)
    assert caplog.text == ""
    animate(asset("examples", "bubbles.wav"), transcript=EXAMPLES["mountains"][1].text)
    assert "the transcript hardly fits what is heard" in caplog.text


@needs_espeak
def test_text_that_cannot_be_aligned():
    silence = posteriors([("sil", 100)])
    with pytest.raises(InputError, match="the transcript is empty"):
        align(" \n ", silence)
    with pytest.raises(InputError, match="nothing that can be spoken"):
        align("...", silence)
    with pytest.raises(InputError, match="is not UTF-8 text"):
        align(b"un caf\xe9".decode("utf-8", "surrogateescape"), silence)
    with pytest.raises(InputError, match=r"400 sounds, which need at least 8\.0 s, but the recording has 1\.0 s"):
        align("hello " * 100, silence)


def test_without_espeak(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="install the package espeak-ng"):
        pronounce("hello")


@needs_espeak
@pytest.mark.parametrize(("text", "voice"), [("こんにちは", "en-us"), ("привет мир", "fr-fr"), ("שלום", "en-gb")])
def test_text_in_other_letters_than_its_languages_is_refused(text, voice):
    with pytest.raises(InputError, match=f"not in the letters of the language {voice}"):
        pronounce(text, voice)


@needs_espeak
@pytest.mark.parametrize(("text", "voice"), [("привет мир", "ru"), ("नमस्ते", "hi"), ("hello", "ru"), ("42", "en-us")])
def test_text_in_its_own_letters_or_figures_is_spoken(text, voice):
    assert pronounce(text, voice)
