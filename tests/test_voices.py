from pathlib import Path

import pytest

from kmtalk.data.phones import PHONES
from kmtalk.data.voices import voices
from kmtalk.phonemes import LABELS

ALL = voices(permissive_only=False)


def test_every_voice_names_its_licence_and_packages():
    assert all(voice.licence and voice.packages and voice.sex in ("female", "male", "varied") for voice in ALL)
    assert len({voice.name for voice in ALL}) == len(ALL)


def test_permissive_voices_leave_out_recordings_under_the_gpl():
    left_out = set(ALL) - set(voices())
    assert {voice.language for voice in left_out} == {"it", "cs", "hi"}
    assert all(voice.licence.startswith("GPL") for voice in left_out)
    assert all(not voice.licence.startswith("GPL") for voice in voices() if voice.speaker)


def test_most_of_the_default_corpus_is_human_voices():
    formant = sum(voice.share for voice in voices() if not voice.speaker)
    assert formant <= 0.2 * sum(voice.share for voice in voices())


def test_held_out_speakers_are_heard_in_no_other_voice():
    held_out = {voice.speaker for voice in voices() if voice.held_out}
    assert held_out
    assert held_out.isdisjoint(voice.speaker for voice in voices() if not voice.held_out)


@pytest.mark.parametrize("voice", [voice for voice in ALL if voice.speaker], ids=lambda voice: voice.name)
def test_licence_is_what_the_package_says(voice):
    path = Path("/usr/share/doc", voice.packages[-1], "copyright")
    if not path.is_file():
        pytest.skip(f"{voice.packages[-1]} is not installed")
    said = " ".join(path.read_text("utf-8", "replace").split())
    if voice.licence.startswith("LGPL"):
        assert "Lesser General Public License" in said
    elif voice.licence.startswith("GPL"):
        assert "General Public License" in said
        assert "Lesser" not in said
    else:
        assert "Permission is hereby granted, free of charge, to use and" in said


def test_phone_tables_give_labels():
    assert {voice.language for voice in ALL if voice.speaker} <= set(PHONES)
    assert all(label in LABELS for table in PHONES.values() for label in table.values())
