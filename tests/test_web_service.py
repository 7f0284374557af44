from dataclasses import replace

import numpy as np
import pytest

from kmtalk.animate import animate
from kmtalk.audio import save_audio
from kmtalk.errors import InputError
from kmtalk.web.service import Service, Shot, Stopwatch, Wish, check_formats, checked_audio, facts


def quiet(stage, fraction):
    pass


@pytest.fixture(scope="module")
def service(tiny_model):
    return Service(tiny_model, "tiny", lambda speech, **options: animate(speech, model=tiny_model, **options))


@pytest.fixture
def recording(tmp_path, voice):
    return str(save_audio(tmp_path / "my voice.wav", voice[:16000]))


def test_a_take_has_motion_a_name_and_its_stages(service, recording):
    stages = []
    take = service.record(recording, Wish("cleo", 30), lambda stage, fraction: stages.append(stage))
    assert take.name == "my voice"
    assert (take.animation.face.name, take.animation.fps, take.animation.frames) == ("cleo", 30, 30)
    assert stages[0] == "reading the recording" and set(take.seconds) <= set(stages)
    assert all(seconds >= 0 for seconds in take.seconds.values())


def test_files_are_written_and_counted(service, recording, tmp_path):
    take = service.record(recording, Wish(), quiet)
    paths = service.write(take, tmp_path, ["npz", "TextGrid"], quiet)
    assert [path.name for path in paths] == ["my voice.npz", "my voice.TextGrid"]
    with np.load(paths[0]) as packed:
        assert packed["vertices"].shape == (25, *take.animation.face.template.shape)
    assert take.seconds["writing files"] >= 0


def test_facts_tell_the_stages_that_took_time(service, recording):
    take = replace(service.record(recording, Wish(), quiet), seconds={"hearing": 0.001, "writing files": 0.25})
    table = facts(take, "tiny")
    assert table["Recording"].startswith("1.00 s") and table["Model"] == "tiny"
    assert table["Writing files"] == "0.25 s" and "Hearing" not in table


def test_film_reports_every_frame(service, recording, tmp_path):
    stages = []
    take = service.record(recording, Wish(), quiet)
    path = service.film(take, tmp_path, Shot(256), lambda stage, fraction: stages.append((stage, fraction)))
    assert path.stat().st_size > 1000
    assert stages[-1] == ("rendering frame 25 of 25", 1.0)


@pytest.mark.parametrize("wish", [{"identity": "dora"}, {"fps": 24}, {"seed": -1}, {"seed": 2**31}])
def test_wishes_that_cannot_be_met(wish):
    with pytest.raises(InputError, match="is not allowed"):
        Wish(**wish)


def test_limits_are_told_with_the_length_and_the_way_out(tmp_path, voice):
    with pytest.raises(InputError, match=r"0\.20 s long: at least 0\.3 s"):
        checked_audio(str(save_audio(tmp_path / "short.wav", voice[8000:11200])))
    with pytest.raises(InputError, match=r"66 s long .* up to 60 s: .*python -m kmtalk animate"):
        checked_audio(str(save_audio(tmp_path / "long.wav", np.tile(voice, 22))))
    with pytest.raises(InputError, match="there is no recording yet"):
        checked_audio(None)


def test_sizes_cameras_and_formats_are_checked():
    with pytest.raises(InputError, match="size 333 .* 256, 512"):
        Shot(333)
    with pytest.raises(InputError, match="camera 'behind' .* front"):
        Shot(camera="behind")
    with pytest.raises(InputError, match="format 'fbx' .* mp4, npz"):
        check_formats(["npz", "fbx"])


def test_stopwatch_adds_up_each_stage():
    watch = Stopwatch(quiet)
    for stage in ("a", "b", "b", "a"):
        watch(stage, 0.0)
    watch.stop()
    assert set(watch.seconds) == {"a", "b"}
