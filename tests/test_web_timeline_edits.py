"""The page's replay of edits, run in Chromium, beside the one in Python."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from kmtalk.animate import animate
from kmtalk.edits import apply_edits
from kmtalk.errors import InputError
from kmtalk.phonemes import LABELS, Phoneme
from kmtalk.web.part import text_of
from kmtalk.web.timeline import timeline_data

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")

NAMES = "replay withEdit difference Versions readEdits writeEdits rint"


@pytest.fixture(scope="module")
def page():
    """A blank page that knows the functions of timeline_edits.js as `edits`."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.evaluate(
            "([code, names]) => { globalThis.edits = Function(`${code}; return { ${names} };`)(); }",
            [text_of("timeline_edits.js"), ", ".join(NAMES.split())],
        )
        yield page
        browser.close()


def replayed(page, data, lists):
    """Each list's phonemes and key frames after its edits, or the sentence that says why not."""
    return page.evaluate(
        """([data, lists]) => lists.map((list) => {
            try {
                const { phonemes, keys } = edits.replay(data, list);
                return [phonemes.map(({ label, start, end }) => [label, start, end]), keys.map(({ frame }) => frame)];
            } catch (error) {
                return error.message;
            }
        })""",
        [json.loads(data.model_dump_json()), lists],
    )


class Editor:
    """Thinks of edits, most of them possible."""

    def __init__(self, animation, random):
        self.animation, self.random, self.unedited = animation, random, animation.phonemes

    def think(self, edited):
        return getattr(self, self.random.choice([name for name in dir(self) if name.startswith("a_")]))(edited)

    def frame(self, edited):
        keys = edited.key_frames
        any_frame = self.random.integers(-1, edited.frames + 1)
        return int(self.random.choice(keys) if self.random.random() < 0.85 else any_frame)

    def a_move(self, edited):
        frame = self.frame(edited)
        return {"do": "move key", "frame": frame, "to": frame + int(self.random.integers(-5, 6))}

    def an_addition(self, edited):
        return {"do": "add key", "frame": int(self.random.integers(0, edited.frames))}

    def a_deletion(self, edited):
        return {"do": "delete key", "frame": self.frame(edited)}

    def a_shape(self, edited):
        return {"do": "shape key", "frame": self.frame(edited), "jaw": round(self.random.uniform(-1, 1.2), 2)}

    def a_weight(self, edited):
        frame = int(self.random.integers(0, edited.frames))
        return {"do": "set key", "frame": frame, "weights": {"jawOpen": round(self.random.uniform(0, 1.1), 2)}}

    def a_label(self, edited):
        phoneme = int(self.random.integers(0, len(edited.phonemes) + 1))
        return {"do": "relabel", "phoneme": phoneme, "label": str(self.random.choice(LABELS))}

    def a_time(self, edited):
        phoneme = int(self.random.integers(0, len(edited.phonemes)))
        heard = edited.phonemes[phoneme]
        start, end = (round(time + self.random.normal(0, 0.08), 2) for time in (heard.start, heard.end))
        return {"do": "retime", "phoneme": phoneme, "start": start, "end": end}


@pytest.mark.parametrize("fps", [25, 30, 60])
def test_page_and_python_agree_on_random_edits(page, tiny_model, voice, fps):
    animation = animate((voice, 16000), model=tiny_model, fps=fps, life=False)
    editor = Editor(animation, np.random.default_rng(fps))
    lists, expected = [], []
    for _ in range(2):
        kept, edited = [], animation
        for _ in range(25):
            wanted = [*kept, editor.think(edited)]
            lists.append(wanted)
            try:
                edited = apply_edits(animation, tiny_model, wanted, seed=None)
            except InputError:
                expected.append(None)
                continue
            kept = wanted
            expected.append([[[p.label, p.start, p.end] for p in edited.phonemes], edited.key_frames.tolist()])
    found = replayed(page, timeline_data(animation), lists)
    for edits, ours, theirs in zip(lists, expected, found, strict=True):
        assert (None if isinstance(theirs, str) else theirs) == ours, edits
    done = sum(1 for ours in expected if ours)
    assert 0.5 * len(lists) < done < len(lists)


def test_short_phonemes_leave_their_short_neighbours_as_they_are(page, tiny_model, voice):
    bounds = [0, 0.5, 0.51, 0.52, 0.53, 3]
    short = tuple(map(Phoneme, ["sil", "M", "AA", "S", "sil"], bounds, bounds[1:]))
    animation = replace(animate((voice, 16000), model=tiny_model, life=False), phonemes=short)
    edits = [{"do": "retime", "phoneme": 2, "start": 0.4, "end": 0.6}]
    (found,) = replayed(page, timeline_data(animation), [edits])
    ours = apply_edits(animation, tiny_model, edits, seed=None).phonemes
    assert found[0] == [[p.label, p.start, p.end] for p in ours]
    assert [start for _, start, _ in found[0]] == pytest.approx(bounds[:-1])


def test_a_phoneme_that_keeps_its_label_changes_nothing(page, tiny_model, voice):
    animation = animate((voice, 16000), model=tiny_model, keys=np.array([10, 20]), life=False)
    edits = [{"do": "relabel", "phoneme": 1, "label": animation.phonemes[1].label}]
    (found,) = replayed(page, timeline_data(animation), [edits])
    assert found[1] == apply_edits(animation, tiny_model, edits).key_frames.tolist() == [0, 10, 20, 74]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ({"do": "move key", "frame": 10, "to": 500}, "500 is not a frame"),
        ({"do": "move key", "frame": 10, "to": 0}, "neighbours"),
        ({"do": "delete key", "frame": 0}, "the first and the last key cannot be deleted"),
        ({"do": "add key", "frame": 10}, "a key at frame 10 already"),
        ({"do": "shape key", "frame": 10, "jaw": 2}, "jaw goes from -1 to 1"),
        ({"do": "shape key", "frame": 10, "tongue": 1}, 'has no "tongue"'),
        ({"do": "set key", "frame": 10, "weights": {"jawOpen": 7}}, "from 0 to 1"),
        ({"do": "relabel", "phoneme": 0, "label": "XX"}, "not one of the 40 phonemes"),
        ({"do": "relabel", "phoneme": 99, "label": "AA"}, "99 is not a phoneme"),
        ({"do": "retime", "phoneme": 1, "start": 0.6, "end": 0.4}, "cannot last from 0.6 to 0.4 s"),
        ({"do": "retime", "phoneme": 1, "end": "late"}, "cannot last"),
        ({"do": "fly"}, 'no operation "fly"'),
        ("move", 'no operation "move"'),
        ({"do": "add key"}, 'lacks "frame"'),
    ],
)
def test_an_impossible_edit_gets_a_sentence_in_both(page, tiny_model, voice, edit, message):
    animation = animate((voice, 16000), model=tiny_model, keys=np.array([10, 20]), life=False)
    (found,) = replayed(page, timeline_data(animation), [[edit]])
    assert found.startswith("Edit 1 cannot be used: ") and message in found and found.endswith(".")
    with pytest.raises(InputError, match="edit 1 cannot be used"):
        apply_edits(animation, tiny_model, [edit], seed=None)


def test_halves_round_as_numpy_rounds(page):
    values = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5, 0.49999999999999994, 1.2, 7.7]
    assert page.evaluate("(values) => values.map(edits.rint)", values) == np.rint(values).tolist()


def test_an_edit_that_goes_on_with_the_last_takes_its_place(page):
    def after(first, second):
        return page.evaluate("([one, other]) => edits.withEdit([one], other)", [first, second])

    move, on, back = ({"do": "move key", "frame": f, "to": t} for f, t in ((10, 12), (12, 15), (12, 10)))
    assert after(move, on) == [{"do": "move key", "frame": 10, "to": 15}]
    assert after(move, back) == []
    shape, other = ({"do": "shape key", "frame": 10, "jaw": jaw} for jaw in (0.1, 0.2))
    assert after(shape, other) == [other]
    assert after(shape, other | {"frame": 11}) == [shape, other | {"frame": 11}]
    assert after(move, shape) == [move, shape]


def test_undo_goes_back_gesture_by_gesture(page):
    steps = page.evaluate(
        """() => {
            const versions = new edits.Versions([1, 2]);
            const seen = [];
            const note = () => seen.push([versions.edits.join(), versions.canUndo, versions.canRedo]);
            versions.add([1, 2, 3], "drag");
            versions.add([1, 2, 4], "drag");
            note();
            versions.undo(); note();
            versions.redo(); note();
            versions.add([1, 2, 4]); note();
            for (let step = 0; step < 9; step++) versions.undo();
            note();
            versions.add([5]); note();
            return seen;
        }"""
    )
    assert steps == [
        ["1,2,4", True, False],
        ["1,2", True, True],
        ["1,2,4", True, False],
        ["1,2,4", True, False],
        ["", False, True],
        ["5", True, False],
    ]


def test_the_count_of_edits_that_are_not_in_the_motion(page):
    for edits, completed, count in [
        ([], [], 0), ([1, 2], [1, 2], 0), ([1, 2, 3], [1], 2), ([1], [1, 2, 3], 2), ([1, 9], [1, 2], 1), ([], [1, 2], 2)
    ]:  # fmt: skip
        assert page.evaluate("([one, other]) => edits.difference(one, other)", [edits, completed]) == count


def test_a_file_of_edits_comes_back(page, tiny_model, voice):
    animation = animate((voice, 16000), model=tiny_model, keys=np.array([10, 20]), life=False)
    edits = [{"do": "move key", "frame": 10, "to": 12}, {"do": "retime", "phoneme": 0, "start": 0, "end": 0.53}]
    text = page.evaluate("(list) => edits.writeEdits(list)", edits)
    assert json.loads(text) == edits and text.count("\n") == 4
    data = json.loads(timeline_data(animation).model_dump_json())
    assert page.evaluate("([data, text]) => edits.readEdits(data, text)", [data, text]) == edits
    assert apply_edits(animation, tiny_model, json.loads(text), seed=None).edits == tuple(edits)
