"""Editing: what every operation does to phonemes, keys and motion, how far it reaches, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from kmtalk.animate import animate, load_model
from kmtalk.assets import asset
from kmtalk.draft import SHORTEST
from kmtalk.edits import apply_edits
from kmtalk.errors import InputError
from kmtalk.motion import Motion
from kmtalk.phonemes import Phoneme, Word
from kmtalk.stages import make_grid
from kmtalk.textgrid import format_textgrid

MAPPINGS_THAT_CANNOT_BE = [
    {75: {"jawOpen": 0.5}},
    {-1: {"jawOpen": 0.5}},
    {"3": {"jawOpen": 0.5}},
    {2.5: {"jawOpen": 0.5}},
    {3: {"nose": 0.5}},
    {3: {"jawOpen": float("nan")}},
    {3: {"jawOpen": 1.5}},
    {3: {"jawOpen": -0.1}},
    {3: {"jawOpen": "wide"}},
    {3: {"jawOpen": None}},
    {3: {"jawOpen": np.array([0.1, 0.2])}},
    {3: {7: 0.5}},
    {3: 0.5},
    {3: {}},
]


@pytest.fixture(scope="module")
def plain(tiny_model, voice, sentence, tmp_path_factory):
    """3 s with known phonemes by the tiny model, alive; keys at 0, 10, 12, 18, 21, 25, 30, 38, 40, 45 ..."""
    path = tmp_path_factory.mktemp("alignment") / "voice.TextGrid"
    path.write_text(format_textgrid(sentence, [], 3.0))
    return animate((voice, 16000), model=tiny_model, alignment=path, seed=4)


@pytest.fixture(scope="module")
def edit(plain, tiny_model):
    """Apply some operations to it."""
    return lambda *edits: apply_edits(plain, tiny_model, list(edits), seed=4)


@pytest.fixture(scope="module")
def model():
    """The shipped model."""
    return load_model()


@pytest.fixture(scope="module")
def talks(model):
    """The three example recordings, animated."""
    return [animate(path, model=model) for path in sorted(asset("examples").glob("*.wav"))]


def key(animation, frame):
    return animation.key_frames.tolist().index(frame)


def moved(animation, other):
    """(T,) how far any weight differs."""
    return np.abs(animation.weights - other.weights).max(axis=1)


def gap(animation):
    """(T,) millimetres between the lips."""
    return animation.face.lip_gap(animation.weights) * 1e3


def complaint(edit, *edits):
    with pytest.raises(InputError) as caught:
        edit(*edits)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"edit {len(edits)} cannot be used: ")
    return message


def test_the_keys_are_the_sentence_s(plain):
    assert plain.key_frames[:8].tolist() == [0, 10, 12, 18, 21, 25, 30, 38]


def test_no_edit_changes_nothing(plain, edit):
    same = edit()
    assert np.array_equal(same.weights, plain.weights)
    assert np.array_equal(same.motion.head_pose, plain.motion.head_pose)
    assert np.array_equal(same.key_motions, plain.key_motions)
    assert same.phonemes == plain.phonemes


@pytest.mark.parametrize("fps", [24, 25, 29.97, 30, 59.94, 60, 90, 120])
@pytest.mark.parametrize("samples", [1600, 16000, 16600, 17070])
def test_no_edit_changes_nothing_at_any_rate_and_length(tiny_model, voice, fps, samples):
    first = animate((voice[:samples], 16000), model=tiny_model, fps=fps, life=False)
    again = apply_edits(first, tiny_model, [], seed=None)
    assert np.array_equal(again.weights, first.weights)
    assert np.array_equal(again.key_frames, first.key_frames)


@pytest.mark.parametrize(
    ("edits", "frames"),
    [
        ([{"do": "move key", "frame": 18, "to": 15}], [18, 15]),
        ([{"do": "add key", "frame": 34}, {"do": "shape key", "frame": 34, "jaw": 1}], [34]),
        ([{"do": "delete key", "frame": 21}], [21]),
        ([{"do": "shape key", "frame": 21, "jaw": 0.6, "strength": 1.5}], [21]),
        ([{"do": "set key", "frame": 21, "weights": {"jawOpen": 0.9}}], [21]),
        ([{"do": "relabel", "phoneme": 2, "label": "P"}], [12, 18]),
        ([{"do": "retime", "phoneme": 2, "start": 0.55, "end": 0.65}], [10, 21]),
    ],
)
def test_an_edit_changes_the_motion_near_it_and_nowhere_else(plain, edit, tiny_model, edits, frames):
    edited = edit(*edits)
    reach = tiny_model.completion.reach
    before = max((frame for frame in plain.key_frames if frame < min(frames)), default=0) - reach
    after = min((frame for frame in plain.key_frames if frame > max(frames)), default=74) + reach
    change = moved(edited, plain)
    assert change[min(frames) : max(frames) + 1].max() > 0.01
    assert change[: max(0, before)].max(initial=0) == 0
    assert change[after + 1 :].max(initial=0) == 0
    assert np.array_equal(edited.motion.life, plain.motion.life)
    assert np.array_equal(edited.motion.head_pose, plain.motion.head_pose)
    assert edited.edits == tuple(edits)
    assert plain.edits == ()


def test_edits_come_in_order(edit):
    edits = [
        {"do": "add key", "frame": 34},
        {"do": "move key", "frame": 34, "to": 33},
        {"do": "set key", "frame": 33, "weights": {"jawOpen": 0.25}},
        {"do": "delete key", "frame": 12},
    ]
    edited = edit(*edits)
    assert edited.key_frames[:8].tolist() == [0, 10, 18, 21, 25, 30, 33, 38]
    jaw = edited.face.basis_names.index("jawOpen")
    assert edited.key_motions[key(edited, 33), jaw] == edited.weights[33, jaw] == 0.25
    assert "no key at frame 34" in complaint(edit, *edits[:2], {"do": "delete key", "frame": 34})


def test_a_moved_key_brings_its_pose(plain, edit):
    edited = edit({"do": "move key", "frame": 18, "to": 15})
    assert edited.key_frames[:6].tolist() == [0, 10, 12, 15, 21, 25]
    assert edited.motion.speech[15] == pytest.approx(plain.motion.speech[18], abs=1e-6)


def test_an_added_key_leaves_the_pose(plain, edit):
    edited = edit({"do": "add key", "frame": 34})
    assert edited.key_frames[:8].tolist() == [0, 10, 12, 18, 21, 25, 30, 34]
    assert edited.weights[34] == pytest.approx(plain.weights[34], abs=1e-6)


def test_a_set_key_holds_exactly(plain, edit, face):
    edited = edit({"do": "set key", "frame": 18, "weights": {"jawOpen": 0.9, "mouthPucker": 0}})
    jaw, pucker = face.basis_names.index("jawOpen"), face.basis_names.index("mouthPucker")
    assert (edited.weights[18, jaw], edited.weights[18, pucker]) == (np.float32(0.9), 0)
    others = np.delete(np.arange(len(face.basis_names)), [jaw, pucker])
    assert edited.weights[18, others] == pytest.approx(plain.weights[18, others], abs=1e-6)
    assert np.delete(edited.key_motions, key(edited, 18), 0) == pytest.approx(
        np.delete(plain.key_motions, key(plain, 18), 0)
    )


def test_the_mapping_is_short_for_set_key(plain, edit, tiny_model, voice, tmp_path, sentence):
    (tmp_path / "voice.TextGrid").write_text(format_textgrid(sentence, [], 3.0))
    told = {18: {"jawOpen": 0.9}, 34: {"mouthPucker": 0.25}}
    made = animate((voice, 16000), model=tiny_model, alignment=tmp_path / "voice.TextGrid", seed=4, edits=told)
    edited = edit(*({"do": "set key", "frame": frame, "weights": weights} for frame, weights in told.items()))
    assert np.array_equal(made.weights, edited.weights)
    assert made.edits == edited.edits
    assert made.key_frames.tolist() == edited.key_frames.tolist()
    assert 34 in made.key_frames


def test_the_last_shape_of_a_key_counts(edit):
    last = {"do": "shape key", "frame": 18, "jaw": -0.5}
    twice = edit({"do": "shape key", "frame": 18, "jaw": 1, "strength": 2}, last)
    assert np.array_equal(twice.weights, edit(last).weights)


def test_a_neutral_shape_changes_nothing(talks, model):
    edits = [{"do": "shape key", "frame": frame} for frame in talks[0].key_frames.tolist()]
    assert moved(apply_edits(talks[0], model, edits), talks[0]).max() == 0


def test_handles_work_on_top_of_set_weights(edit, face):
    edited = edit(
        {"do": "shape key", "frame": 18, "closed": 1},
        {"do": "set key", "frame": 18, "weights": {"jawOpen": 0.2}},
        {"do": "shape key", "frame": 18, "strength": 0.5},
    )
    assert edited.weights[18, face.basis_names.index("jawOpen")] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("jaw", "strength", "rounded"), [(1, 2, 1), (1, 2, -1), (-1, 0, 1), (0, 1, 0), (1, 1, 0), (-1, 2, -1)]
)
def test_closed_lips_touch_whatever_the_jaw_and_the_strength(talks, model, jaw, strength, rounded):
    for talk in talks:
        frame = int(talk.key_frames[1:-1][talk.mouth_opening()[talk.key_frames[1:-1]].argmax()])
        shape = {"frame": frame, "jaw": jaw, "strength": strength, "round": rounded, "closed": 1}
        edited = apply_edits(talk, model, [{"do": "shape key", **shape}])
        assert talk.mouth_opening()[frame] > 5e-3
        assert edited.mouth_opening()[frame] < 0.5e-3
        assert gap(edited)[frame] > -0.2


def test_the_jaw_opens_and_shuts_by_degrees(talks, model):
    talk = talks[0]
    frame = int(talk.key_frames[1:-1][talk.mouth_opening()[talk.key_frames[1:-1]].argmax()])
    openings = [
        apply_edits(talk, model, [{"do": "shape key", "frame": frame, "jaw": jaw}]).mouth_opening()[frame]
        for jaw in np.linspace(-1, 1, 7)
    ]
    assert (np.diff(openings) > 0).all()


@pytest.mark.parametrize(("old", "new"), [("P", "AA"), ("B", "AE"), ("M", "AA")])
def test_a_closure_relabelled_as_a_vowel_opens(talks, model, old, new):
    for talk in talks:
        for index, phoneme in enumerate(talk.phonemes):
            beside = {p.label for p in talk.phonemes[max(0, index - 1) : index + 2]} - {old}
            if phoneme.label == old and not beside & {"P", "B", "M"}:  # another closure beside it stays
                middle = round((phoneme.start + phoneme.end) / 2 * 25)
                edited = apply_edits(talk, model, [{"do": "relabel", "phoneme": index, "label": new}])
                assert edited.mouth_opening()[middle] > 4e-3 > talk.mouth_opening()[middle]
                assert [p.label for p in edited.phonemes if p not in talk.phonemes] == [new]


@pytest.mark.parametrize("new", ["P", "B", "M"])
def test_a_vowel_relabelled_as_a_closure_closes(talks, model, new):
    vowels = 0
    for talk in talks:
        for index, phoneme in enumerate(talk.phonemes):
            if phoneme.label in ("AA", "AE", "AY"):
                vowels += 1
                middle = round((phoneme.start + phoneme.end) / 2 * 25)
                edited = apply_edits(talk, model, [{"do": "relabel", "phoneme": index, "label": new}])
                assert edited.mouth_opening()[middle] < 0.5e-3
                assert middle in edited.key_frames
    assert vowels > 5


def test_the_same_label_again_changes_nothing(plain, edit):
    same = edit({"do": "relabel", "phoneme": 2, "label": "AA"})
    assert same.key_frames.tolist() == plain.key_frames.tolist()
    assert np.array_equal(same.weights, plain.weights)


def test_a_retimed_phoneme_takes_its_keys_and_neighbours_along(plain, edit):
    edited = edit({"do": "retime", "phoneme": 2, "start": 0.55, "end": 0.65})  # AA of 0.5 to 0.7 s
    assert edited.phonemes[1:4] == (Phoneme("M", 0.4, 0.55), Phoneme("AA", 0.55, 0.65), Phoneme("S", 0.65, 0.84))
    assert edited.phonemes[4:] == plain.phonemes[4:]
    assert edited.key_frames[:6].tolist() == [0, 10, 14, 16, 21, 25]


def test_a_retimed_closure_closes_at_its_new_time(talks, model):
    talk = talks[0]
    index = next(i for i, p in enumerate(talk.phonemes) if p.label == "B" and talk.phonemes[i + 1].duration > 0.15)
    phoneme = talk.phonemes[index]
    later = {"start": phoneme.start + 0.08, "end": phoneme.end + 0.08}
    edited = apply_edits(talk, model, [{"do": "retime", "phoneme": index, **later}])
    frames = slice(round(phoneme.start * 25) - 1, round(later["end"] * 25) + 1)
    shut, shut_later = (np.flatnonzero(gap(one)[frames] < 0.5) for one in (talk, edited))
    assert shut_later.mean() - shut.mean() == pytest.approx(2, abs=0.6)


@pytest.mark.parametrize(
    ("phoneme", "start", "end", "becomes"),
    [
        (2, 0.0, 2.0, (0.42, 0.82)),  # its neighbours keep 20 ms
        (2, 0.6, None, (0.6, 0.7)),
        (2, None, 0.6, (0.5, 0.6)),
        (2, 0.83, 0.84, (0.8, 0.82)),
        (0, 0.2, 0.3, (0.0, 0.3)),  # the recording still begins and ends
        (12, 2.5, 2.6, (2.5, 3.0)),
    ],
)
def test_a_retimed_phoneme_is_kept_between_its_neighbours(edit, phoneme, start, end, becomes):
    times = {name: value for name, value in (("start", start), ("end", end)) if value is not None}
    phonemes = edit({"do": "retime", "phoneme": phoneme, **times}).phonemes
    assert (phonemes[phoneme].start, phonemes[phoneme].end) == pytest.approx(becomes)
    assert min(p.duration for p in phonemes) > SHORTEST - 1e-9
    assert all(a.end == b.start for a, b in zip(phonemes, phonemes[1:], strict=False))
    assert (phonemes[0].start, phonemes[-1].end) == (0, 3)


def test_short_phonemes_leave_their_short_neighbours_as_they_are(plain, tiny_model):
    bounds = [0, 0.5, 0.51, 0.52, 0.53, 3]
    short = tuple(map(Phoneme, ["sil", "M", "AA", "S", "sil"], bounds, bounds[1:]))
    wider = {"do": "retime", "phoneme": 2, "start": 0.4, "end": 0.6}
    edited = apply_edits(replace(plain, phonemes=short), tiny_model, [wider])
    assert [phoneme.start for phoneme in edited.phonemes] == pytest.approx(bounds[:-1])


def test_words_move_with_their_phonemes(plain, tiny_model):
    told = replace(plain, words=(Word("maa", 0.4, 0.7), Word("see", 0.7, 1.0)))
    edited = apply_edits(told, tiny_model, [{"do": "retime", "phoneme": 2, "end": 0.65}])
    assert edited.words == (Word("maa", 0.4, 0.65), Word("see", 0.65, 1.0))


@pytest.mark.parametrize("fps", [50, 59.94, 60, 90, 120])
def test_at_high_rates_keys_stand_on_the_model_s_frames(tiny_model, voice, fps, face):
    talk = animate((voice, 16000), model=tiny_model, fps=fps, life=False, keys=[0, 60, talk_end(fps)])
    grid = make_grid(talk.frames, fps)
    edits = [
        {"do": "set key", "frame": 31, "weights": {"jawOpen": 1.0}},
        {"do": "move key", "frame": 31, "to": 41},
        {"do": "shape key", "frame": 41, "closed": 1.0},
    ]
    edited = apply_edits(talk, tiny_model, edits, seed=None)
    at = int(grid.frame(grid.place(41)))
    assert edited.key_frames.tolist() == [0, at, *talk.key_frames[1:]]
    assert edited.mouth_opening()[at] < 0.5e-3


def talk_end(fps):
    return round(3 * fps) - 1


def test_the_last_frame_can_be_shaped_at_any_rate(tiny_model, voice):
    for fps in (25, 60, 90, 120):
        last = round(16100 / 16000 * fps) - 1
        options = {"model": tiny_model, "fps": fps, "life": False}
        made = animate((voice[:16100], 16000), edits={last: {"jawOpen": 1.0}}, **options)
        assert made.key_frames.tolist() == animate((voice[:16100], 16000), **options).key_frames.tolist()
        assert made.key_motions[-1].max() == 1.0


def test_life_never_leaves_the_range(edit):
    blink = edit({"do": "set key", "frame": 30, "weights": {"eyeBlinkLeft": 1.0}})
    assert blink.weights.max() <= 1


@pytest.mark.parametrize("weights", MAPPINGS_THAT_CANNOT_BE)
def test_weights_that_cannot_be(plain, tiny_model, weights):
    with pytest.raises(InputError, match="edit 1 cannot be used: "):
        apply_edits(plain, tiny_model, weights)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("jawOpen", "no operation 'jawOpen'"),
        ({}, "no operation None"),
        ({"do": "dance"}, "use one of move key"),
        ({"do": ["add key"]}, "no operation ['add key']"),
        ({"do": "relabel", "phoneme": 2, "label": ["P"]}, "is not one of the 40 phonemes"),
        ({"do": "move key", "frame": 12}, "lacks 'to'"),
        ({"do": "add key", "frame": 13, "to": 15}, "has no 'to'"),
        ({"do": "move key", "frame": 13, "to": 15}, "no key at frame 13"),
        ({"do": "move key", "frame": 12, "to": 18}, "between its neighbours at 10 and 18"),
        ({"do": "move key", "frame": 12, "to": 75}, "from 0 to 74"),
        ({"do": "move key", "frame": 0, "to": 5}, "the first and the last key cannot be moved"),
        ({"do": "delete key", "frame": 74}, "the first and the last key cannot be deleted"),
        ({"do": "add key", "frame": 12}, "a key at frame 12 already"),
        ({"do": "add key", "frame": True}, "True is not a frame"),
        ({"do": "add key", "frame": 1.5}, "1.5 is not a frame"),
        ({"do": "shape key", "frame": 13, "jaw": 1}, "no key at frame 13"),
        ({"do": "shape key", "frame": 12, "jaw": 1.5}, "it goes from -1 to 1"),
        ({"do": "shape key", "frame": 12, "strength": -1}, "it goes from 0 to 2"),
        ({"do": "shape key", "frame": 12, "closed": float("nan")}, "it goes from 0 to 1"),
        ({"do": "shape key", "frame": 12, "closed": "yes"}, "it goes from 0 to 1"),
        ({"do": "shape key", "frame": 12, "nose": 1}, "has no 'nose'"),
        ({"do": "set key", "frame": 12, "weights": [0.5]}, "give {basis name: weight}"),
        ({"do": "relabel", "phoneme": 2, "label": "aa"}, "'aa' is not one of the 40 phonemes"),
        ({"do": "relabel", "phoneme": 13, "label": "AA"}, "from 0 to 12"),
        ({"do": "relabel", "phoneme": -1, "label": "AA"}, "from 0 to 12"),
        ({"do": "retime", "phoneme": 2, "start": 0.7, "end": 0.6}, "cannot last from 0.7 to 0.6 s"),
        ({"do": "retime", "phoneme": 2, "start": float("inf")}, "cannot last from inf"),
        ({"do": "retime", "phoneme": 2, "end": "later"}, "cannot last from 0.5 to 'later'"),
        ({"do": "retime", "phoneme": 2, "end": 10**400}, "cannot last from 0.5 to 1000"),
    ],
)
def test_operations_that_cannot_be(edit, wrong, said):
    assert said in complaint(edit, wrong)
    assert said in complaint(edit, {"do": "delete key", "frame": 45}, wrong)


@pytest.mark.parametrize("edits", ["delete", 7, b"[]"])
def test_edits_are_a_list(plain, tiny_model, edits):
    with pytest.raises(InputError, match="give a list of operations"):
        apply_edits(plain, tiny_model, edits)


def test_an_animation_of_another_model_cannot_be_completed(plain, tiny_model):
    bare = replace(plain, features=np.zeros((0, 0), np.float32))
    with pytest.raises(InputError, match="animate the recording with it again"):
        apply_edits(bare, tiny_model, [])


@pytest.fixture(scope="module")
def learned(plain, tiny_config, face):
    """A model of a learned basis, with weights of any size, and its animation."""
    from kmtalk.models.kmtalk import KMTalk

    names = tuple(f"motion{index:03d}" for index in range(5))
    model = KMTalk(replace(tiny_config, weight_names=names, bounded=False)).eval()
    bare = replace(face, basis=face.basis[:5], basis_names=names, look=None)
    motion = Motion(np.zeros((75, 5), np.float32), names, 25.0, np.zeros((75, 6), np.float32))
    motions = np.random.default_rng(0).normal(0, 3, (len(plain.key_frames), 5)).astype(np.float32)
    return replace(plain, face=bare, motion=motion, key_motions=motions), model


def test_a_learned_basis_takes_weights_and_strength(learned):
    animation, model = learned
    edits = [
        {"do": "set key", "frame": 18, "weights": {"motion002": -4.0}},
        {"do": "shape key", "frame": 18, "strength": 2.0},
    ]
    edited = apply_edits(animation, model, edits)
    assert edited.weights[18].tolist() == pytest.approx([0, 0, -8, 0, 0])
    for large in (float("inf"), 1e39):  # single precision ends at 3.4e38
        with pytest.raises(InputError, match="a weight is a number"):
            apply_edits(animation, model, [{"do": "set key", "frame": 18, "weights": {"motion002": large}}])


@pytest.mark.filterwarnings("error")
def test_weights_may_be_numbers_of_numpy(plain, tiny_model):
    for kind in (np.float32, np.float64):
        edited = apply_edits(plain, tiny_model, {np.int64(18): {"jawOpen": kind(0.5)}})
        assert edited.weights[18, plain.motion.names.index("jawOpen")] == 0.5


@pytest.mark.parametrize(
    "wrong", [{"do": "shape key", "frame": 18, "jaw": 1}, {"do": "relabel", "phoneme": 2, "label": "P"}]
)
def test_a_learned_basis_has_no_lips_by_name(learned, wrong):
    animation, model = learned
    with pytest.raises(InputError, match="by name"):
        apply_edits(animation, model, [wrong])
