import numpy as np
import pytest
import soundfile

from kmtalk.assets import asset
from kmtalk.audio import load_audio
from kmtalk.data.engines import check_installed
from kmtalk.data.examples import EXAMPLES, make_examples
from kmtalk.data.voices import voices
from kmtalk.errors import InputError


@pytest.mark.parametrize("name", EXAMPLES)
def test_shipped_example_is_short_small_and_listed(name):
    path = asset("examples", f"{name}.wav")
    found = soundfile.info(path)
    assert (found.samplerate, found.channels) == (16000, 1)
    assert 4.5 < found.duration < 8
    assert path.stat().st_size < 200_000
    assert 0.6 < np.abs(load_audio(path)).max() < 0.8
    listed = asset("examples", "README.md").read_text("utf-8")
    assert path.name in listed
    assert EXAMPLES[name][1].text in listed


def test_examples_can_be_made_again(tmp_path):
    try:
        check_installed([voice for voice in voices() if voice.engine == "flite"])
    except InputError as error:
        pytest.skip(str(error))
    for path in make_examples(tmp_path):
        made, shipped = load_audio(path), load_audio(asset("examples", path.name))
        assert len(made) == len(shipped)
        assert np.corrcoef(made, shipped)[0, 1] > 0.99


def test_examples_are_permissive_and_of_different_people():
    named = {voice.name: voice for voice in voices()}
    speakers = {named[voice].speaker for voice, _ in EXAMPLES.values()}
    assert len(speakers) == len(EXAMPLES) == 3
    assert {named[voice].sex for voice, _ in EXAMPLES.values()} == {"female", "male"}
