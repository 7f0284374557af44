"""Recordings and their labels, as they lie in a folder."""

import numpy as np
import pytest

from kmtalk.audio import save_audio
from kmtalk.errors import InputError
from kmtalk.evaluate.recordings import (
    CLASSES,
    VISEMES,
    _whole_stops,
    frame_classes,
    load_recordings,
    read_tracked,
    viseme_segments,
)
from kmtalk.metrics import smooth_tracked
from kmtalk.phonemes import LABELS, Phoneme


def test_every_label_has_one_of_twelve_visemes():
    assert set(VISEMES) == set(LABELS)
    assert set(VISEMES.values()) == set(CLASSES)
    assert len(CLASSES) == 12


def test_frames_of_segments():
    segments = ((0.0, 0.02, "SIL"), (0.02, 0.05, "PBM"), (0.07, 0.09, "OPEN"))
    assert frame_classes(segments, 10, 100).tolist() == [0, 0, 1, 1, 1, 0, 0, 9, 9, 0]


def test_phonemes_become_segments_with_silences_joined():
    heard = (Phoneme("sil", 0, 0.1), Phoneme("sil", 0.1, 0.2), Phoneme("B", 0.2, 0.3), Phoneme("P", 0.3, 0.4))
    assert viseme_segments(heard) == ((0, 0.2, "SIL"), (0.2, 0.3, "PBM"), (0.3, 0.4, "PBM"))


def test_a_stop_is_one_segment_with_its_closure_and_its_breath():
    rows = [
        {"label": label, "start": str(start), "end": str(start + 1)}
        for start, label in enumerate(["sil", "tcl", "t", "H", "a:", "k", "H", "H"])
    ]
    whole = _whole_stops(rows)
    assert [(row["label"], row["start"], row["end"]) for row in whole] == [
        ("sil", "0", "1"), ("t", "1", "4"), ("a:", "4", "5"), ("k", "5", "8"),
    ]  # fmt: skip


def test_tracked_curves_are_on_the_clock_of_the_audio_without_lost_frames():
    time = np.arange(0, 2, 0.04)
    opening = np.sin(time * 5)
    ok = np.ones(len(time), bool)
    ok[20:23] = False
    names = ("aperture3", "jaw_drop", "width_outer", "rounding")
    file = {"t": time + 0.06, "fps": 25.0, "ok": ok, "av_lag_s": 0.06}
    file |= {name: np.where(ok, opening, np.nan) for name in names}
    tracked = read_tracked(file)
    assert tracked.time == pytest.approx(time[ok])
    assert tracked.curves["gap"] == pytest.approx(smooth_tracked(opening, 25.0)[ok], abs=0.03)


@pytest.fixture
def folder(voice, tmp_path):
    for part in ("labelled", "faces"):
        (tmp_path / part).mkdir()
    (tmp_path / "labelled" / "viseme_map.tsv").write_text(
        "label_set\tlabel\tviseme\nen\tsil\tSIL\nen\taa\tOPEN\nen\tah0\tOPEN\nmsajc\tO\tROUND\nmsajc\tsil\tSIL\n"
    )
    curves = dict.fromkeys(("aperture3", "jaw_drop", "width_outer", "rounding", "t"), np.arange(10) / 25)
    np.savez(tmp_path / "faces" / "grid_a.npz", fps=25.0, ok=np.ones(10, bool), av_lag_s=0.0, **curves)
    save_audio(tmp_path / "faces" / "grid_a.wav", voice)
    for name in ("en_one", "en_au_msajc7", "en_none"):
        save_audio(tmp_path / "labelled" / f"{name}.wav", voice)
    write(tmp_path, "en_one", "0\t0.2\tsil\n0.2\t0.4\tsil\n0.4\t1.2\taa\n1.2\t1.5\tah0\n1.5\t3\tsil\n")
    write(tmp_path, "en_au_msajc7", "0\t1\tsil\n1\t2\tO\n2\t3\tsil\n")
    (tmp_path / "labelled" / "en_one.txt").write_text("Ah.\n")
    return tmp_path


def write(folder, name, rows):
    (folder / "labelled" / f"{name}.phones.tsv").write_text(f"start\tend\tlabel\n{rows}")


def test_a_folder_is_read(folder):
    labelled, faces = load_recordings(folder)
    assert [recording.name for recording in labelled] == ["en_au_msajc7", "en_one"]
    assert labelled[0].groups == ("english", "by hand")
    assert labelled[0].labels.segments[1] == (1.0, 2.0, "ROUND")
    assert VISEMES[labelled[0].labels.phonemes[1].label] == "ROUND"
    assert labelled[1].text == "Ah."
    assert [phoneme.label for phoneme in labelled[1].labels.phonemes] == ["sil", "sil", "AA", "AH", "sil"]
    assert labelled[1].labels.boundaries().tolist() == [0.4, 1.2, 1.5]  # the silences before are one
    assert labelled[1].labels.spans("OPEN") == [(0.4, 1.2), (1.2, 1.5)]
    assert faces[0].talker == "grid_a"
    assert faces[0].labels is None
    assert faces[0].duration == 3.0


def complaint(folder):
    with pytest.raises(InputError) as caught:
        load_recordings(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_label_that_is_not_in_the_map(folder):
    write(folder, "en_one", "0\t1\txyzzy\n")
    assert "'xyzzy'" in complaint(folder)


def test_a_folder_of_something_else(tmp_path):
    assert "no folder labelled" in complaint(tmp_path)
    (tmp_path / "labelled").mkdir()
    assert "no folder faces" in complaint(tmp_path)
    (tmp_path / "faces").mkdir()
    assert "viseme_map.tsv" in complaint(tmp_path)
    (tmp_path / "labelled" / "viseme_map.tsv").write_text("label_set\tlabel\tviseme\n")
    assert "nothing to score" in complaint(tmp_path)
