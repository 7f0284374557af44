import json
import time
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

import app
from kmtalk.audio import save_audio
from kmtalk.errors import InputError
from kmtalk.textgrid import read_textgrid


@pytest.fixture(scope="module")
def client(app_url, tmp_path_factory):
    return Client(app_url, verbose=False, download_files=str(tmp_path_factory.mktemp("downloads")))


@pytest.fixture(scope="module")
def recording(voice, tmp_path_factory):
    return save_audio(tmp_path_factory.mktemp("voice") / "hello.wav", voice[4800:22400])  # 1.1 s


def test_animate_gives_the_files_asked_for(client, recording):
    formats = ["mp4", "npz", "json", "TextGrid", "csv", "glb"]
    files = client.predict(handle_file(recording), fps=30, size=256, formats=formats, api_name="/animate")
    assert {name: Path(path).name for name, path in files.items()} == {name: f"hello.{name}" for name in formats}
    with np.load(files["npz"]) as packed:
        assert packed["vertices"].shape[0] == 33 and packed["fps"] == 30
    told = json.loads(Path(files["json"]).read_text())
    assert told["frames"] == 33 and told["duration"] == pytest.approx(1.1)
    phonemes = read_textgrid(files["TextGrid"], 1.1)
    assert [p.label for p in phonemes] == [p["label"] for p in told["phonemes"]]
    assert Path(files["mp4"]).read_bytes()[4:8] == b"ftyp" and Path(files["glb"]).read_bytes()[:4] == b"glTF"


def test_animate_leaves_no_folder_behind(client, recording, app_folder):
    client.predict(handle_file(recording), formats=["json"], api_name="/animate")
    deadline = time.monotonic() + 30
    while list(app_folder.glob("kmtalk-*")):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_seed_and_identity_reach_the_motion(client, recording):
    def weights(**wishes):
        files = client.predict(handle_file(recording), formats=["npz"], api_name="/animate", **wishes)
        with np.load(files["npz"]) as packed:
            return packed["weights"], packed["vertices"]

    (one, ari), (same, _), (other, _) = weights(seed=1), weights(seed=1), weights(seed=2)
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0.01
    _, ben = weights(seed=1, identity="ben")
    assert np.abs(ari - ben).max() > 1e-3


def test_phonemes_are_heard_without_a_face(client, recording):
    heard = client.predict(handle_file(recording), api_name="/phonemes")
    assert heard["duration"] == pytest.approx(1.1) and heard["frames"] == 28
    ends = [phoneme["end"] for phoneme in heard["phonemes"]]
    assert ends == sorted(ends) and ends[-1] == pytest.approx(1.1)
    assert heard["key_frames"][0] == 0 and heard["key_frames"][-1] == 27


def test_info_tells_what_can_be_asked_for(client):
    told = client.predict(api_name="/info")
    assert told["model"] == "kmtalk-base" and told["device"] == "cpu"
    assert told["identities"] == ["ari", "ben", "cleo"]
    assert told["limits"] == {"min_seconds": 0.3, "max_seconds": 60, "max_megabytes": 25}
    assert set(told["formats"]) == {"mp4", "npz", "glb", "csv", "TextGrid", "json"}


def test_only_the_documented_endpoints_are_public(client):
    endpoints = client.view_api(return_format="dict")["named_endpoints"]
    assert set(endpoints) == {"/animate", "/phonemes", "/info"}
    assert all(endpoint["description"] for endpoint in endpoints.values())
    types = {p["parameter_name"]: p["python_type"]["type"] for p in endpoints["/animate"]["parameters"]}
    assert types["audio"] == "filepath" and types["fps"] == "int" and types["identity"].startswith("Literal['ari'")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_text("no sound in here"), "hello.wav"),
        (lambda path: soundfile.write(path, np.zeros(16000), 16000), "all of it is silent"),
        (lambda path: soundfile.write(path, np.sin(np.arange(61 * 8000) / 9), 8000), "up to 60 s"),
    ],
)
def test_a_recording_that_cannot_be_used_is_answered_with_a_sentence(client, tmp_path, make, message):
    path = tmp_path / "hello.wav"
    make(path)
    for endpoint in ("/phonemes", "/animate"):
        with pytest.raises(AppError, match=message) as caught:
            client.predict(handle_file(path), api_name=endpoint)
        assert "Traceback" not in str(caught.value)


@pytest.mark.parametrize("wishes", [{"fps": 7}, {"size": 4000}, {"identity": "dora"}, {"formats": ["fbx"]}])
def test_what_is_not_on_offer_is_answered_with_what_is(client, recording, wishes):
    with pytest.raises(AppError, match="is not allowed: use one of"):
        client.predict(handle_file(recording), api_name="/animate", **wishes)


def test_without_opengl_the_other_files_come(client, recording, monkeypatch):
    def render(*arguments, **options):
        raise InputError("cannot draw video: OpenGL does not start here")

    monkeypatch.setattr("kmtalk.web.service.render", render)
    files = client.predict(handle_file(recording), formats=["mp4", "json"], api_name="/animate")
    assert set(files) == {"json"}
    with pytest.raises(AppError, match="OpenGL does not start here"):
        client.predict(handle_file(recording), formats=["mp4"], api_name="/animate")


def test_what_nobody_foresaw_gives_nothing_away(client, recording, monkeypatch):
    def export(*arguments):
        raise RuntimeError("a secret path")

    monkeypatch.setattr("kmtalk.web.service.export", export)
    with pytest.raises(AppError, match="Something went wrong on our side") as caught:
        client.predict(handle_file(recording), formats=["json"], api_name="/animate")
    assert "secret" not in str(caught.value)


def test_a_file_of_the_server_cannot_be_asked_for(app_url):
    stolen = {"path": str(Path(app.__file__)), "meta": {"_type": "gradio.FileData"}}
    begun = httpx.post(f"{app_url}gradio_api/call/phonemes", json={"data": [stolen]}).json()
    answer = httpx.get(f"{app_url}gradio_api/call/phonemes/{begun['event_id']}").text
    assert answer.startswith("event: error") and "sound file" not in answer


def test_the_gpu_is_asked_for_by_the_length_of_the_clip(monkeypatch):
    asked = {}

    class Spaces:
        @staticmethod
        def GPU(duration):  # noqa: N802
            def decorate(function):
                asked["seconds"] = duration
                return function

            return decorate

    monkeypatch.setattr(app, "spaces", Spaces)
    lent = app.on_gpu(lambda speech, **options: options)
    speech = (np.zeros(16000 * 20, np.float32), 16000)
    assert lent(speech, progress=print, fps=25) == {"fps": 25}
    assert asked["seconds"](speech, fps=25) == pytest.approx(11)
    monkeypatch.setattr(app, "spaces", None)
    assert app.on_gpu(print) is print
