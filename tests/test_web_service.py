import re
from dataclasses import replace

import numpy as np
import pytest

from kmtalk.animate import animate
from kmtalk.audio import save_audio
from kmtalk.errors import InputError
from kmtalk.web.service import Service, Stopwatch
from kmtalk.web.wishes import Wish, make_shot


def quiet(stage, fraction):
    pass


@pytest.fixture(scope="module")
def service(tiny_model):
    return Service(tiny_model, "tiny", lambda speech, **options: animate(speech, model=tiny_model, **options))


@pytest.fixture(scope="module")
def recording(tmp_path_factory, voice):
    return str(save_audio(tmp_path_factory.mktemp("voice") / "my voice.wav", voice[:16000]))


@pytest.fixture(scope="module")
def take(service, recording):
    return service.record(recording, Wish(), quiet)


def test_a_take_has_motion_a_name_and_its_stages(service, recording):
    stages = []
    take = service.record(recording, Wish("cleo", 30), lambda stage, fraction: stages.append(stage))
    assert take.name == "my voice"
    assert (take.animation.face.name, take.animation.fps, take.animation.frames) == ("cleo", 30, 30)
    assert stages[0] == "reading the recording" and set(take.seconds) <= set(stages)
    assert all(seconds >= 0 for seconds in take.seconds.values())


def test_a_take_remembers_what_was_warned_of(service, take, voice, tmp_path):
    loud = save_audio(tmp_path / "loud.wav", np.clip(voice[:16000] * 50, -1, 1))
    (remark,) = service.record(str(loud), Wish(), quiet).remarks
    assert re.fullmatch(r"\d+ % of the samples of .*loud.wav are at or beyond full scale", remark)
    assert take.remarks == ()


def test_who_speaks_must_be_there(service, recording):
    with pytest.raises(InputError, match="identity 'dora' is not allowed: use one of ari, ben, cleo"):
        service.record(recording, Wish("dora"), quiet)


def test_edits_complete_the_motion_again_and_none_gives_the_first_back(service, take):
    key = int(take.original.key_frames[1])
    edited = service.complete(take, [{"do": "set key", "frame": key, "weights": {"jawOpen": 0.9}}])
    assert edited.animation.weights[key, take.original.face.basis_names.index("jawOpen")] == pytest.approx(
        0.9, abs=1e-3
    )
    assert edited.original is take.original and edited.identity == take.identity
    assert edited.revision != take.revision and "completing again" in edited.seconds
    assert service.complete(edited, []).animation is take.original
    with pytest.raises(InputError, match="edit 1 cannot be used"):
        service.complete(take, [{"do": "delete key", "frame": 0}])


def test_another_face_gets_the_same_motion(service, take):
    other = service.recast(take, "ben")
    assert other.animation.face.name == other.original.face.name == "ben"
    np.testing.assert_array_equal(other.animation.weights, take.animation.weights)
    assert other.revision != take.revision


def test_files_are_written_and_counted(service, take, tmp_path):
    paths = service.write(take, tmp_path, ["npz", "TextGrid"], quiet)
    assert [path.name for path in paths] == ["my voice.npz", "my voice.TextGrid"]
    with np.load(paths[0]) as packed:
        assert packed["vertices"].shape == (25, *take.animation.face.template.shape)
    assert take.seconds["writing files"] >= 0


def test_captions_need_words_and_arkit_needs_the_rig(service, take, tiny_model):
    assert set(service.missing(take)) == {"srt"} and "csv" in service.formats(take)


def test_facts_tell_the_stages_that_took_time(service, take):
    table = service.facts(replace(take, seconds={"hearing": 0.001, "writing files": 0.25}))
    assert table["Recording"].startswith("1.00 s") and table["Model"] == "tiny" and table["Edits"] == "0"
    assert table["Writing files"] == "0.25 s" and "Hearing" not in table


def test_film_reports_every_frame(service, take, tmp_path):
    stages = []
    path = service.film(take, tmp_path, make_shot(256), lambda stage, fraction: stages.append((stage, fraction)))
    assert path.stat().st_size > 1000
    assert stages[-1] == ("rendering frame 25 of 25", 1.0)


def test_a_comparison_is_twice_as_wide(service, take, tmp_path):
    from imageio_ffmpeg import read_frames

    sizes = []
    for compare in ("nothing", "uniform key frames"):
        path = service.film(take, tmp_path, make_shot(256), quiet, compare=compare)
        frames = read_frames(str(path))
        sizes.append(next(frames)["size"])
        frames.close()
    assert sizes[0] == (256, 256) and sizes[1][0] >= 512
    with pytest.raises(InputError, match="comparison 'everything' is not allowed"):
        service.film(take, tmp_path, make_shot(256), quiet, compare="everything")


def test_those_who_wait_for_the_renderer_are_told(service, take, tmp_path):
    told = []

    class Enough(Exception):  # noqa: N818 - somebody pressed Stop
        pass

    def report(stage, fraction):
        told.append(stage)
        raise Enough

    with service.renderer.turn(quiet), pytest.raises(Enough):
        service.film(take, tmp_path, make_shot(256), report)
    assert told == ["waiting for the renderer, 1 is before you"]


def test_stopwatch_adds_up_each_stage():
    watch = Stopwatch(quiet)
    for stage in ("a", "b", "b", "a"):
        watch(stage, 0.0)
    watch.stop()
    assert set(watch.seconds) == {"a", "b"}
