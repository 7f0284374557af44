"""The command line, run as users run it."""

import json
import os
import signal
import subprocess
import sys
import time
import wave
import zipfile

import numpy as np
import pytest
from PIL import Image

from kmtalk.__main__ import main
from kmtalk.assets import asset
from kmtalk.commands import COMMANDS


def run(*arguments, folder=None):
    command = [sys.executable, "-m", "kmtalk", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=folder)


def write_wav(path, samples, rate=16000):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.asarray(samples) * 32767).astype("<i2").tobytes())
    return path


def only_line(capsys):
    """The one line on standard error."""
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    assert "Traceback" not in lines[0]
    return lines[0]


@pytest.mark.parametrize("command", [module.__name__.rsplit(".", 1)[1] for module in COMMANDS])
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    assert "usage" in capsys.readouterr().out


def test_animate_writes_files_named_after_the_input(tmp_path):
    done = run("animate", asset("examples", "bubbles.wav"), "--out", tmp_path / "out", "--formats", "json,csv,TextGrid")
    assert done.returncode == 0, done.stderr
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        "bubbles.TextGrid",
        "bubbles.csv",
        "bubbles.json",
    ]
    told = json.loads((tmp_path / "out" / "bubbles.json").read_text())
    assert told["frames"] == round(told["duration"] * told["fps"])
    assert told["model"] == "kmtalk-base"


@pytest.fixture
def short(tmp_path):
    """The first 0.4 s of an example."""
    with wave.open(str(asset("examples", "bubbles.wav"))) as file:
        rate = file.getframerate()
        samples = np.frombuffer(file.readframes(round(rate * 1.1)), "<i2")[round(rate * 0.7) :]
    return write_wav(tmp_path / "short.wav", samples / 32768, rate)


def test_videos_are_filmed_as_asked(short, tmp_path):
    arguments = "--formats webm,png.zip,mp4 --size 64 --aspect wide --look clay --captions phonemes".split()
    assert main(["animate", str(short), *arguments, "--out", str(tmp_path / "out")]) == 0
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"short.webm", "short.png.zip", "short.mp4"}
    with zipfile.ZipFile(tmp_path / "out" / "short.png.zip") as archive, archive.open("frame_00000.png") as file:
        picture = Image.open(file)
        assert (picture.size, picture.mode) == ((114, 64), "RGBA")


def test_edits_change_the_animation(short, tmp_path):
    edits = tmp_path / "edits.json"
    edits.write_text(json.dumps([{"do": "set key", "frame": 0, "weights": {"jawOpen": 0.9}}]))
    assert main(["animate", str(short), "--formats", "npz", "--edits", str(edits), "--out", str(tmp_path)]) == 0
    with np.load(tmp_path / "short.npz") as written:
        jaw = written["weights"][0, written["weight_names"].tolist().index("jawOpen")]
    assert jaw == pytest.approx(0.9, abs=1e-3)


def test_edits_are_read_from_what_was_exported(short, tmp_path):
    edits = tmp_path / "edits.json"
    edits.write_text(json.dumps([{"do": "shape key", "frame": 0, "jaw": 0.5}]))
    for given, out in ((edits, tmp_path / "one"), (tmp_path / "one" / "short.json", tmp_path / "two")):
        assert main(["animate", str(short), "--formats", "json", "--edits", str(given), "--out", str(out)]) == 0
    one, two = ((tmp_path / out / "short.json").read_text() for out in ("one", "two"))
    assert one == two and json.loads(two)["edits"] == json.loads(edits.read_text())


def test_compare_films_both_sides(short, tmp_path, capsys):
    arguments = "--left keys=phonemes --right keys=uniform life=off face=ben --size 64".split()
    assert main(["compare", str(short), *arguments, "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / "short-comparison.mp4")]
    assert (tmp_path / "short-comparison.mp4").stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "both sides would be the same: say what differs, such as --left keys=phonemes"),
        (["--left", "uniform"], "'uniform' is no setting: give NAME=VALUE"),
        (["--left", "keys=uniform", "--background", "transparent"], "not transparent"),
        (["--left", "face=zoe"], "no face 'zoe'"),
        (["--left", "look=clay"], "cannot differ between the sides: what can is model, "),
        (["--left", "life=perhaps"], "give life=on or life=off"),
        (["--left", "fps=50"], "cannot be compared"),
    ],
)
def test_what_cannot_be_compared_is_one_line(arguments, said, short, tmp_path, capsys):
    assert main(["compare", str(short), *arguments, "--out", str(tmp_path)]) == 2
    assert said in only_line(capsys)
    assert not (tmp_path / "short-comparison.mp4").exists()


def test_a_side_knows_its_settings(short, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["compare", str(short), "--left", "keys=often"])
    assert stopped.value.code == 2
    assert "'often'" in only_line(capsys)


def test_a_folder_is_a_batch_and_one_bad_file_does_not_stop_it(tmp_path, capsys):
    talks = tmp_path / "talks"
    talks.mkdir()
    for name in ("bubbles", "porridge"):
        (talks / f"{name}.wav").write_bytes(asset("examples", f"{name}.wav").read_bytes())
    (talks / "letter.wav").write_text("Dear reader, this is not a sound.")
    assert main(["animate", str(talks), "--out", str(tmp_path / "out"), "--formats", "json"]) == 2
    assert "letter.wav" in only_line(capsys)
    assert {file.stem for file in (tmp_path / "out").iterdir()} == {"bubbles", "porridge"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.wav"], "nowhere.wav"),
        (["{wav}", "--formats", "gif"], "gif"),
        (["{wav}", "--formats", ","], "no format"),
        (["{wav}", "--fps", "5"], "frames a second"),
        (["{wav}", "--seed", "-1"], "seed -1"),
        (["{wav}", "--device", "tpu"], "tpu"),
        (["{wav}", "{silence}", "--transcript", "hello"], "one recording"),
        (["{wav}", "{silence}", "--alignment", "nowhere.TextGrid"], "one recording"),
        (["{wav}", "--face", "zoe"], "zoe"),
        (["{wav}", "--model", "no/such/folder"], "no/such/folder"),
        (["{wav}", "--alignment", "nowhere.TextGrid"], "nowhere.TextGrid"),
        (["{wav}", "--formats", "mp4", "--size", "31"], "31"),
        (["{wav}", "--formats", "mp4", "--camera", "moon"], "moon"),
        (["{wav}", "--formats", "mp4", "--background", "transparent"], "MP4 files are never transparent"),
        (["{wav}", "--formats", "mp4", "--aspect", "round"], "square, portrait, tall, wide"),
        (["{wav}", "--formats", "webm", "--captions", "words"], "need a transcript"),
        (["{wav}", "--formats", "json,srt"], "srt needs the words"),
        (["{wav}", "--edits", "nowhere.json"], "nowhere.json"),
        (["{wav}", "--edits", "{wav}"], "is no JSON"),
        (["{wav}", "--edits", "{edits}"], "holds no list of edits"),
        (["{wav}", "{wav}"], "rename"),
        (["{silence}"], "silent"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, said, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    silence = write_wav(tmp_path / "silence.wav", np.zeros(16000))
    (tmp_path / "edits.json").write_text('{"do": "undo"}')
    places = {"wav": asset("examples", "bubbles.wav"), "silence": silence, "edits": tmp_path / "edits.json"}
    out = tmp_path / "out"
    given = [argument.format(**places) for argument in arguments]
    formats = [] if "--formats" in given else ["--formats", "json"]
    assert main(["animate", *given, *formats, "--out", str(out)]) == 2
    assert said in only_line(capsys)
    assert not out.exists() or not list(out.iterdir())


def test_wrong_use_is_one_line_too(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["animate"])
    assert stopped.value.code == 2
    assert "speech" in only_line(capsys)


def test_an_unwritable_place_is_one_line(tmp_path, capsys):
    (tmp_path / "out").write_text("a file where the folder should be")
    example = str(asset("examples", "bubbles.wav"))
    assert main(["animate", example, "--out", str(tmp_path / "out"), "--formats", "json"]) == 2
    assert "choose another" in only_line(capsys)


def test_the_recording_and_its_alignment_are_never_written_over(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    video, alignment = tmp_path / "talk.mp4", tmp_path / "talk.TextGrid"
    video.write_bytes(asset("examples", "bubbles.wav").read_bytes())
    alignment.write_text("a day of handiwork")
    assert main(["animate", "talk.mp4"]) == 2
    assert "talk.mp4 is read and would be written over" in only_line(capsys)
    assert main(["animate", "talk.mp4", "--formats", "TextGrid", "--alignment", "talk.TextGrid"]) == 2
    assert "talk.TextGrid is read and would be written over" in only_line(capsys)
    assert video.read_bytes() == asset("examples", "bubbles.wav").read_bytes()
    assert alignment.read_text() == "a day of handiwork"


def test_a_format_named_twice_is_written_once(tmp_path, capsys):
    example = str(asset("examples", "bubbles.wav"))
    assert main(["animate", example, "--out", str(tmp_path), "--formats", "json,JSON"]) == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / "bubbles.json")]


def test_a_name_that_is_no_text_is_a_name_like_others(tmp_path):
    recording = os.fsencode(tmp_path) + b"/\xff.wav"
    with open(recording, "wb") as file:  # noqa: PTH123
        file.write(asset("examples", "bubbles.wav").read_bytes())
    command = [sys.executable, "-m", "kmtalk", "animate", recording, "--out", tmp_path, "--formats", "json"]
    done = subprocess.run(command, capture_output=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == os.fsencode(tmp_path) + b"/\xff.json\n"


def test_a_reader_who_leaves_does_not_stop_the_work(tmp_path):
    command = [sys.executable, "-m", "kmtalk", "animate", asset("examples", "bubbles.wav"), "--out", tmp_path]
    command += ["--formats", "json,csv"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0
    assert {file.name for file in tmp_path.iterdir()} == {"bubbles.json", "bubbles.csv"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stopped_half_way_nothing_is_left(tmp_path, number):
    command = [sys.executable, "-m", "kmtalk", "animate", asset("examples", "mountains.wav"), "--out", tmp_path]
    command += ["--formats", "mp4", "--size", "1024"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # nohup, say, may have had it ignored
    ) as process:
        while not list(tmp_path.iterdir()):
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(number)
        assert process.stderr.read() == b"kmtalk: stopped\n"
    assert process.returncode == 130
    assert list(tmp_path.iterdir()) == []


def test_the_model_is_reproducible(tmp_path):
    example = str(asset("examples", "mountains.wav"))
    for name in ("a", "b"):
        assert main(["animate", example, "--out", str(tmp_path / name), "--formats", "csv", "--seed", "3"]) == 0
    assert (tmp_path / "a" / "mountains.csv").read_bytes() == (tmp_path / "b" / "mountains.csv").read_bytes()


def test_evaluate_names_what_is_missing(tmp_path, capsys):
    assert main(["evaluate", "--speech", str(tmp_path)]) == 2
    assert "labelled" in only_line(capsys)


def test_evaluate_looks_first_where_it_shall_write(tmp_path, capsys):
    assert main(["evaluate", "--speech", str(tmp_path), "--json", str(tmp_path / "nowhere" / "scores.json")]) == 2
    assert "nowhere" in only_line(capsys)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["evaluate", "--speech", "{here}", "--json", "{here}"], "it is a folder"),
        (["score", "{file}", "--truth", "{file}", "--json", "{here}"], "it is a folder"),
        (["train", "--out", "{here}/run", "--threads", "-1"], "--threads -1: give how many"),
        (["train", "--out", "{here}/run", "--steps", "0"], "give at least one step"),
        (["experiments", "--out", "{here}/run", "--threads", "-1"], "--threads -1: give how many"),
        (["experiments", "--out", "{file}", "--report-only"], "there is no study"),
        (["corpus", "--out", "{here}/run", "--hours", "inf"], "a positive number of hours"),
        (["animate", "{voice}", "--edits", "{deep}"], "is no JSON"),
    ],
)
def test_bad_options_are_told_before_the_work(arguments, said, tmp_path, capsys):
    (tmp_path / "file").touch()
    (tmp_path / "deep.json").write_text("[" * 100_000)
    places = {"here": tmp_path, "file": tmp_path / "file", "deep": tmp_path / "deep.json"}
    places["voice"] = asset("examples", "bubbles.wav")
    assert main([argument.format(**places) for argument in arguments]) == 2
    assert said in only_line(capsys)
    assert not (tmp_path / "run").exists()


def test_train_names_the_corpus_command(tmp_path, capsys):
    assert main(["train", "--corpus", str(tmp_path), "--out", str(tmp_path / "run")]) == 2
    assert "kmtalk corpus" in only_line(capsys)


def test_doctor_looks_at_everything(capsys):
    assert main(["doctor"]) in (0, 1)
    said = capsys.readouterr().out
    for name in ("python", "torch", "ffmpeg", "opengl", "weights", "gpu", "espeak-ng"):
        assert name in said
