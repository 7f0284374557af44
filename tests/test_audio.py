"""Any recording becomes 16 kHz mono, or one sentence says why not."""

import logging
import os
import struct
import subprocess
import wave
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
import soundfile

from kmtalk.audio import SAMPLE_RATE, load_audio, save_audio
from kmtalk.errors import InputError


def tone(seconds=1.0, rate=16000, frequency=300.0, amplitude=0.5):
    return (amplitude * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def ffmpeg(*arguments):
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True).stdout


def error(speech):
    with pytest.raises(InputError) as caught:
        load_audio(speech)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def loudness(audio):
    """RMS of the middle of a tone; 0.5 / sqrt(2) for tone()."""
    return float(np.sqrt(np.mean(audio[len(audio) // 4 : -len(audio) // 4] ** 2)))


def similarity(audio, reference):
    size = min(len(audio), len(reference))
    return float(np.corrcoef(audio[:size], reference[:size])[0, 1])


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    path = tmp_path_factory.mktemp("audio") / "speech.wav"
    soundfile.write(path, np.column_stack([tone(2, 44100), tone(2, 44100)]), 44100)
    return path


@pytest.mark.parametrize("kind", ["flac", "mp3", "ogg", "opus", "m4a", "aac", "webm", "mp4", "mov", "mkv", "aiff"])
def test_every_kind_of_sound_file(recording, tmp_path, kind):
    path = tmp_path / f"speech.{kind}"
    ffmpeg("-i", recording, path)
    audio = load_audio(path)
    assert audio.dtype == np.float32
    assert audio.shape == pytest.approx((2 * SAMPLE_RATE,), abs=1500)
    assert loudness(audio) == pytest.approx(0.5 / np.sqrt(2), rel=0.06)  # LAME turns down


@pytest.mark.parametrize("kind", ["mp4", "webm", "mov"])
def test_the_sound_track_of_a_video(recording, tmp_path, kind):
    path = tmp_path / f"talk.{kind}"
    ffmpeg("-f", "lavfi", "-i", "testsrc=d=3:s=32x32", "-i", recording, path)
    assert len(load_audio(str(path))) == pytest.approx(2 * SAMPLE_RATE, abs=1500)


def test_a_video_without_sound(tmp_path):
    ffmpeg("-f", "lavfi", "-i", "testsrc=d=1:s=32x32", tmp_path / "mute.mp4")
    assert "mute.mp4 has no sound track" in error(tmp_path / "mute.mp4")


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100, 48000, 96000, 192000])
def test_every_rate_keeps_pitch_and_timing(rate):
    audio = load_audio((tone(1, rate), rate))
    assert len(audio) == pytest.approx(SAMPLE_RATE, abs=1)
    assert similarity(audio[200:-200], tone()[200 : len(audio) - 200]) > 0.9999


@pytest.mark.parametrize("rate", [7999, 192001, 0, -16000])
def test_rates_beyond_the_limits(rate):
    assert "8000 to 192000 are allowed" in error((tone(), rate))


def test_resampling_in_blocks_leaves_no_seams():
    noise = np.random.default_rng(0).normal(0, 0.1, 44100 * 8).astype(np.float32)
    import soxr

    assert np.abs(load_audio((noise, 44100)) - soxr.resample(noise, 44100, SAMPLE_RATE)).max() < 1e-3


@pytest.mark.parametrize(
    ("kind", "scale", "offset"),
    [
        ("int8", 127, 0),
        ("uint8", 127, 128),
        ("int16", 32767, 0),
        ("int32", 2**31 - 1, 0),
        ("float16", 1, 0),
        ("f8", 1, 0),
    ],
)
def test_samples_are_scaled_by_their_type(kind, scale, offset):
    audio = load_audio(((tone().astype(np.float64) * scale + offset).astype(kind), 16000))
    assert audio.dtype == np.float32
    assert np.abs(audio - tone()).max() < 0.012 if "int8" in kind else 1e-3


@pytest.mark.parametrize("array", [np.zeros(1600, np.int64), np.zeros(1600, bool), np.zeros(1600, complex)])
def test_samples_without_a_full_scale(array):
    assert "full scale" in error((array, 16000))


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_channels_first_or_last_are_averaged(channels):
    quieter = np.stack([tone() / (1 + index) for index in range(channels)])
    expected = quieter.mean(0)
    assert np.allclose(load_audio((quieter, 16000)), expected, atol=1e-5)
    assert np.allclose(load_audio((quieter.T, 16000)), expected, atol=1e-5)


def test_too_many_channels_and_dimensions():
    assert "shape (100, 100)" in error((np.zeros((100, 100)), 16000))
    assert "shape (2, 2, 2)" in error((np.zeros((2, 2, 2)), 16000))


def test_channels_that_cancel_out_leave_the_loudest():
    cancelling = np.stack([0.6 * tone(), -0.8 * tone(), 0.2 * tone()])
    assert np.allclose(load_audio((cancelling, 16000)), -0.8 * tone(), atol=1e-5)


def test_a_voice_in_one_channel_of_six_is_heard(tmp_path):
    surround = np.zeros((32000, 6), np.float32)
    surround[:, 2] = tone(2)
    soundfile.write(tmp_path / "surround.wav", surround, 16000)
    assert loudness(load_audio(tmp_path / "surround.wav")) == pytest.approx(0.5 / np.sqrt(2), rel=0.01)


def test_a_constant_offset_is_removed():
    assert np.allclose(load_audio((tone() + 0.3, 16000)), tone(), atol=1e-4)


def test_clipped_recordings_are_accepted_with_a_warning(caplog):
    with caplog.at_level(logging.WARNING):
        audio = load_audio((4 * tone(), 16000))
    assert np.abs(audio).max() <= 1
    assert "at or beyond full scale" in caplog.text
    caplog.clear()
    load_audio((tone(), 16000))
    assert not caplog.text


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_samples_that_are_no_numbers(value):
    broken = tone().astype(np.float64)
    broken[4000] = value
    assert "first at 0.25 s" in error((broken, 16000))


@pytest.mark.parametrize("level", [0.0, 0.25, 5e-5])
def test_silence_is_told(level):
    noise = level * np.random.default_rng(0).choice([-1, 1], 16000) if level < 0.1 else np.full(16000, level)
    assert "no sound was found in the array" in error((noise, 16000))


def test_a_quiet_recording_is_still_a_recording():
    assert len(load_audio((0.002 * tone(), 16000))) == 16000


def test_too_short_and_too_long():
    assert "no samples" in error((np.zeros(0), 16000))
    assert "0.050 s long: at least 0.1 s" in error((tone(0.05), 16000))
    assert len(load_audio((tone(0.1), 16000))) == 1600
    endless = np.broadcast_to(np.float16(0.5), (4 * 3600 * 8000 + 8000,))
    assert "longer than 4 hours" in error((endless, 8000))


def test_order_and_kind_of_the_argument():
    assert "in this order" in error((16000, tone()))
    assert "(array, sample_rate)" in error(tone())
    assert "(array, sample_rate)" in error(None)
    assert "unequal lengths" in error(([[0.1, 0.2], [0.3]], 16000))


def test_the_order_of_bytes_does_not_matter():
    for kind in ("i2", "f4"):
        samples = (tone() * (32767 if kind == "i2" else 1)).astype(kind)
        assert np.array_equal(load_audio((samples.astype(f">{kind}"), 16000)), load_audio((samples, 16000)))


def test_files_that_are_not_there(tmp_path):
    assert "there is no file" in error(tmp_path / "missing.wav")
    assert "is a folder" in error(tmp_path)
    (tmp_path / "empty.wav").touch()
    assert "is an empty file" in error(tmp_path / "empty.wav")
    os.mkfifo(tmp_path / "pipe.wav")
    assert "not an ordinary file" in error(tmp_path / "pipe.wav")
    assert "cannot be opened (File name too long)" in error(tmp_path / ("a" * 300))
    assert "cannot be a file's name" in error("a\0b.wav")


def test_a_file_whose_name_is_no_text(recording, tmp_path):
    name = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.wav")
    Path(name).write_bytes(recording.read_bytes())
    assert np.array_equal(load_audio(name), load_audio(recording))


def test_a_file_that_may_not_be_read(recording, tmp_path):
    path = tmp_path / "secret.wav"
    path.write_bytes(recording.read_bytes())
    path.chmod(0)
    if os.geteuid() != 0:
        assert "cannot be opened (Permission denied)" in error(path)
        return
    tmp_path.chmod(0o755)
    for folder in (tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)
    os.seteuid(65534)
    try:
        assert "cannot be opened (Permission denied)" in error(path)
    finally:
        os.seteuid(0)


@pytest.mark.parametrize(
    "content", [b"hello, this is text\n" * 50, b"\x89PNG\r\n\x1a\n" + bytes(500), b"RIFF", b"RIFF\0\0\0\0WAVE"]
)
def test_files_that_are_no_sound(tmp_path, content):
    (tmp_path / "fake.wav").write_bytes(content)
    assert "fake.wav is not a sound file that can be read" in error(tmp_path / "fake.wav")


def test_playlists_are_not_followed(recording, tmp_path):
    for name, text in (
        ("list.mp4", f"ffconcat version 1.0\nfile '{recording}'\n"),
        ("live.m4a", f"#EXTM3U\n{recording}\n"),
    ):
        (tmp_path / name).write_text(text)
        assert "is not a sound file" in error(tmp_path / name)


def test_a_wav_without_samples(tmp_path):
    soundfile.write(tmp_path / "none.wav", np.zeros(0), 16000)
    assert "holds no samples" in error(tmp_path / "none.wav")


def with_sizes(wav, size):
    start = wav.index(b"data")
    return wav[:4] + struct.pack("<I", size) + wav[8 : start + 4] + struct.pack("<I", size) + wav[start + 8 :]


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFF000])
def test_streamed_wav_headers_are_legal(recording, tmp_path, size):
    (tmp_path / "stream.wav").write_bytes(with_sizes(recording.read_bytes(), size))
    assert np.array_equal(load_audio(tmp_path / "stream.wav"), load_audio(recording))


def test_a_cut_wav_says_what_was_promised(recording, tmp_path):
    whole = recording.read_bytes()
    (tmp_path / "cut.wav").write_bytes(whole[: 44 + 44100 * 4])
    assert "cut.wav is cut short: 2.00 s are promised and 1.00 s of sound are there" in error(tmp_path / "cut.wav")


@pytest.mark.parametrize("kind", ["flac", "mp3", "ogg", "m4a", "webm", "aiff"])
def test_every_cut_file_is_told(recording, tmp_path, kind):
    ffmpeg("-i", recording, *(["-movflags", "faststart"] if kind == "m4a" else []), tmp_path / f"whole.{kind}")
    whole = (tmp_path / f"whole.{kind}").read_bytes()
    (tmp_path / f"cut.{kind}").write_bytes(whole[: len(whole) * 6 // 10])
    assert "is cut short" in error(tmp_path / f"cut.{kind}")


@pytest.mark.parametrize("options", [["-f", "webm"], ["-f", "wav"], ["-f", "flac"], ["-f", "mp3"]])
def test_files_written_through_a_pipe(recording, tmp_path, options):
    (tmp_path / "piped").write_bytes(ffmpeg("-i", recording, *options, "-"))
    assert len(load_audio(tmp_path / "piped")) == pytest.approx(2 * SAMPLE_RATE, abs=1500)


def test_mp3_of_variable_rate_without_an_index_is_read_to_its_end(tmp_path):
    quiet_then_loud = "volume='if(lt(t,2),0.001,1)':eval=frame"
    options = ["-af", quiet_then_loud, "-q:a", "4", "-write_xing", "0"]
    ffmpeg("-f", "lavfi", "-i", "anoisesrc=d=4:a=0.3", *options, tmp_path / "variable.mp3")
    assert len(load_audio(tmp_path / "variable.mp3")) == pytest.approx(4 * SAMPLE_RATE, abs=1500)


def test_saved_audio_is_a_plain_wav(tmp_path):
    path = save_audio(tmp_path / "out.wav", np.append(tone(), [1.5, -1.5]).astype(np.float32))
    with wave.open(str(path)) as reader:
        assert (reader.getframerate(), reader.getnchannels(), reader.getsampwidth()) == (16000, 1, 2)
        samples = np.frombuffer(reader.readframes(-1), "<i2") / 32768
    assert np.abs(samples[:-2] - tone()).max() < 1e-4
    assert samples[-2:] == pytest.approx([1, -1], abs=1e-4)
    assert [item.name for item in tmp_path.iterdir()] == ["out.wav"]


def test_saving_where_it_cannot_be(tmp_path):
    with pytest.raises(InputError, match="folder .* does not exist"):
        save_audio(tmp_path / "nowhere" / "out.wav", tone())
