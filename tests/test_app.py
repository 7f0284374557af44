import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import gradio as gr
import httpx
import numpy as np
import pytest
import soundfile
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

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
    deadline = time.monotonic() + 300
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


def test_edits_change_the_motion_there_and_nowhere_else(client, recording):
    def weights(endpoint, **wishes):
        files = client.predict(handle_file(recording), formats=["npz"], api_name=endpoint, **wishes)
        with np.load(files["npz"]) as packed:
            return packed["weights"], packed["weight_names"].tolist(), packed["key_frames"]

    plain, names, keys = weights("/animate")
    key = int(keys[len(keys) // 2])
    edits = [{"do": "set key", "frame": key, "weights": {"jawOpen": 0.95}}]
    edited, _, _ = weights("/complete", edits=edits)
    assert edited[key, names.index("jawOpen")] == pytest.approx(0.95, abs=0.01)
    changed = np.flatnonzero(np.abs(edited - plain).max(1) > 1e-5)
    assert len(changed) >= 1 and changed.max() - changed.min() <= 24 and len(changed) < len(plain)
    np.testing.assert_array_equal(weights("/complete", edits=[])[0], plain)


@pytest.mark.parametrize("edits", [[{"do": "dance"}], [{"do": "delete key", "frame": 0}], [{"do": "move key"}]])
def test_edits_that_cannot_be_used_are_answered_with_a_sentence(client, recording, edits):
    with pytest.raises(AppError, match="Edit 1 cannot be used"):
        client.predict(handle_file(recording), edits=edits, api_name="/complete")


def test_words_of_a_transcript_get_times(client, recording):
    heard = client.predict(handle_file(recording), transcript="my see", api_name="/phonemes")
    assert [word["text"] for word in heard["words"]] == ["my", "see"]
    assert all(word["start"] < word["end"] for word in heard["words"])
    files = client.predict(handle_file(recording), transcript="my see", formats=["srt"], api_name="/animate")
    assert "my see" in Path(files["srt"]).read_text()
    with pytest.raises(AppError, match="transcript"):
        client.predict(handle_file(recording), formats=["srt"], api_name="/animate")


def test_an_alignment_is_taken_as_it_is(client, recording):
    given = client.predict(handle_file(recording), formats=["TextGrid", "json"], api_name="/animate", keys="centres")
    taken = client.predict(
        handle_file(recording), formats=["json"], api_name="/animate", alignment=handle_file(given["TextGrid"])
    )
    one, other = (json.loads(Path(files["json"]).read_text()) for files in (given, taken))
    assert one["phonemes"] == other["phonemes"] and one["key_frames"] != other["key_frames"]


def test_a_video_can_be_wide_plain_and_captioned(client, recording):
    from imageio_ffmpeg import read_frames

    files = client.predict(
        handle_file(recording),
        size=256,
        formats=["mp4"],
        aspect="wide",
        background="#ffffff",
        look="clay",
        captions="phonemes",
        api_name="/animate",
    )
    frames = read_frames(files["mp4"])
    width, height = next(frames)["size"]
    picture = np.frombuffer(next(frames), np.uint8).reshape(height, width, 3)
    frames.close()
    assert height == 256 and width > 400 and picture[:8, :80].min() > 240


def test_phonemes_are_heard_without_a_face(client, recording):
    heard = client.predict(handle_file(recording), api_name="/phonemes")
    assert heard["duration"] == pytest.approx(1.1) and heard["frames"] == 28
    ends = [phoneme["end"] for phoneme in heard["phonemes"]]
    assert ends == sorted(ends) and ends[-1] == pytest.approx(1.1)
    assert heard["key_frames"][0] == 0 and heard["key_frames"][-1] == 27


def test_info_tells_what_can_be_asked_for(client):
    told = client.predict(api_name="/info")
    assert told["model"] == "kmtalk-base" and told["device"] == "cpu"
    assert told["identities"] == ["ari", "ben", "cleo"] and told["keys"] == ["phonemes", "centres", "uniform"]
    assert told["limits"] == {"min_seconds": 0.3, "max_seconds": 60, "max_megabytes": 25}
    data = {"npz", "glb", "csv", "TextGrid", "json", "srt"}
    assert set(told["formats"]) == {"mp4", "webm", "png.zip", "obj.zip"} | data


def test_only_the_documented_endpoints_are_public(client):
    endpoints = client.view_api(return_format="dict")["named_endpoints"]
    assert set(endpoints) == {"/animate", "/complete", "/phonemes", "/info"}
    assert all(endpoint["description"] for endpoint in endpoints.values())
    types = {p["parameter_name"]: p["python_type"]["type"] for p in endpoints["/animate"]["parameters"]}
    assert types["audio"] == "filepath" and types["fps"] == "int" and types["keys"].startswith("Literal['phonemes'")


def test_programs_that_speak_mcp_get_the_same_four(app_url):
    tools = {tool.name: tool for tool in asyncio.run(list_tools(f"{app_url}gradio_api/mcp/"))}
    assert set(tools) == {"animate", "complete", "phonemes", "info"}
    assert all(tool.description for tool in tools.values())
    asked = tools["complete"].inputSchema["properties"]
    assert asked["edits"]["type"] == "array" and "move key" in asked["edits"]["description"]
    assert asked["keys"]["enum"] == ["phonemes", "centres", "uniform"] and asked["life"]["default"] is True
    assert tools["info"].inputSchema["properties"] == {}


async def list_tools(url):
    async with streamable_http_client(url) as (incoming, outgoing, _), ClientSession(incoming, outgoing) as session:
        await session.initialize()
        return (await session.list_tools()).tools


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


class Spaces:
    """What app.py uses of the package that a ZeroGPU Space has; `refuse` is raised in place of lending a GPU."""

    def __init__(self, refuse=None):
        self.refuse, self.duration = refuse, None

    def GPU(self, duration):  # noqa: N802
        self.duration = duration

        def decorate(function):
            def lent(*arguments, **options):
                if self.refuse:
                    raise self.refuse
                return function(*arguments, **options)

            return lent

        return decorate


@pytest.fixture
def asked(monkeypatch):
    """What reaches animate(): the model and the options."""
    calls = []
    monkeypatch.setattr(app, "animate", lambda speech, *, model, **options: calls.append((model, options)))
    return calls


SPEECH = (np.zeros(16000 * 20, np.float32), 16000)


def test_the_gpu_is_asked_for_by_the_length_of_the_clip(monkeypatch, asked):
    spaces = Spaces()
    monkeypatch.setattr(app, "spaces", spaces)
    app.on_gpu("here", "there")(SPEECH, progress=print, fps=25)
    assert asked == [("there", {"fps": 25})]
    assert spaces.duration(SPEECH, fps=25) == pytest.approx(11)


def test_without_spaces_the_model_runs_where_it_is(monkeypatch, asked):
    monkeypatch.setattr(app, "spaces", None)
    app.on_gpu("here", "there")(SPEECH, progress=print, fps=25)
    assert asked == [("here", {"progress": print, "fps": 25})]


def test_a_refused_gpu_is_replaced_by_the_processor(monkeypatch, asked):
    told = []
    monkeypatch.setattr(gr, "Info", told.append)
    refusal = gr.Error("60 s requested, 20 s left", title="ZeroGPU quota exceeded")
    monkeypatch.setattr(app, "spaces", Spaces(refusal))
    app.on_gpu("here", "there")(SPEECH, progress=print, fps=25)
    assert asked == [("here", {"progress": print, "fps": 25})]
    assert "processor" in told[0]


def test_what_is_wrong_with_the_recording_is_not_tried_twice(monkeypatch, asked):
    monkeypatch.setattr(app, "spaces", Spaces(gr.Error("It is silent.")))
    with pytest.raises(gr.Error, match="silent"):
        app.on_gpu("here", "there")(SPEECH)
    assert asked == []


def test_a_checkpoint_that_is_not_there_is_told_without_a_trace():
    done = subprocess.run(
        [sys.executable, app.__file__],
        env=os.environ | {"KMTALK_MODEL": "no/such/place"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("kmtalk: ") and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("checkpoint", "name"),
    [(None, "kmtalk-base"), ("runs/ours/checkpoint", "ours"), ("me/mine", "mine"), ("a/b/", "b")],
)
def test_the_page_names_its_checkpoint(checkpoint, name):
    assert app.name_of(checkpoint) == name
