"""The clock that sound, viewer, video and timeline share, in Chromium, with real players."""

import base64
import io
import shutil

import numpy as np
import pytest
import soundfile

from kmtalk.web.part import text_of

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")

PATIENCE = 120_000  # ms; machines differ, and a shared one can be slow
SECONDS = 8.0  # longer than a slow machine takes for what happens while it plays
PAGE = """
<div class="gradio-container" id="one">
  <div class="viewer"><audio></audio></div><div id="kmtalk-video"><video></video></div>
</div>
<div class="gradio-container" id="two"><div class="viewer"><audio></audio></div></div>
"""


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    """Two apps on one page; nothing is loaded yet."""
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    page.set_content(PAGE)
    page.add_script_tag(content=f"const sharedClockOf = (app) => {{ {text_of('clock.js')}; return sharedClock(app); }}")
    page.evaluate(
        """() => {
            globalThis.clock = sharedClockOf(one);
            globalThis.sound = one.querySelector("audio");
            globalThis.video = one.querySelector("video");
            globalThis.heard = [];
            clock.addEventListener("time", () => heard.push(clock.time));
        }"""
    )
    yield page
    page.close()


@pytest.fixture(scope="module")
def source():
    """A silent recording as an address."""
    file = io.BytesIO()
    soundfile.write(file, np.zeros(round(8000 * SECONDS), np.float32), 8000, "PCM_16", format="WAV")
    return "data:audio/wav;base64," + base64.b64encode(file.getvalue()).decode()


def load(page, source, *players):
    for player in players:
        page.evaluate(f"(source) => {{ {player}.src = source }}", source)
        page.wait_for_function(f"{player}.readyState >= 3")


def settle(page, condition):
    page.wait_for_function(condition)


def times(page):
    return page.evaluate("[clock.time, sound.currentTime, video.currentTime]")


def test_each_app_has_one_clock(page):
    assert page.evaluate("sharedClockOf(one) === clock")
    assert page.evaluate("sharedClockOf(two) !== clock")


def test_without_anything_to_play_it_holds_a_moment(page):
    assert page.evaluate("[clock.ready, clock.playing, clock.time, clock.duration]") == [False, False, 0, 0]
    assert page.evaluate("clock.play()") is False
    page.evaluate("clock.duration = 2; clock.seek(1.24)")
    assert page.evaluate("[clock.time, heard]") == [1.24, [1.24]]
    page.evaluate("clock.seek(9)")
    assert page.evaluate("clock.time") == 2


def test_a_jump_is_exact_and_moves_every_player_into_the_frame(page, source):
    load(page, source, "sound", "video")
    page.evaluate("clock.seek(31 / 25)")
    assert page.evaluate("clock.time") == 31 / 25
    settle(page, "!sound.seeking && !video.seeking")
    now, *players = times(page)
    assert [int(time * 25) for time in players] == [31, 31]
    assert now == 31 / 25


def test_sound_plays_until_a_video_can_be_seen(page, source):
    page.evaluate("video.style.display = 'none'")
    load(page, source, "sound")
    assert page.evaluate("clock.play()") is True
    settle(page, "clock.time > 0.2")
    load(page, source, "video")  # it arrives behind a closed tab and does not disturb
    assert page.evaluate("[sound.paused, video.paused]") == [False, True]
    page.evaluate("clock.pause()")
    settle(page, "!clock.playing && Math.abs(video.currentTime - clock.time) < 0.02")
    page.evaluate("clock.seek(0.2); clock.play()")
    settle(page, "!sound.paused && clock.time > 0.3")
    page.evaluate("heard = []; video.style.display = ''")
    settle(page, "clock.playing && !video.paused && sound.paused && clock.time > 0.5")
    heard = page.evaluate("heard")
    assert heard[0] > 0.25 and np.diff(heard).min() > -0.1  # it goes on where the sound was
    page.evaluate("clock.pause(); video.style.display = 'none'")
    page.evaluate("clock.play()")
    settle(page, "!sound.paused && video.paused")


def test_a_video_that_the_browser_does_not_let_play_leaves_the_sound_alone(page, source):
    page.evaluate(
        """() => {
            asked = 0;
            video.play = async () => { asked++; throw new DOMException("no", "NotAllowedError"); };
        }"""
    )
    load(page, source, "sound")
    page.evaluate("clock.play()")
    load(page, source, "video")
    settle(page, "asked > 0")
    at = page.evaluate("clock.time")
    settle(page, f"clock.time > {at} + 0.3")
    assert page.evaluate("[sound.paused, asked]") == [False, 1]


def test_time_is_told_while_it_plays_and_never_goes_back(page, source):
    load(page, source, "sound")
    page.evaluate("clock.play()")
    settle(page, "clock.time > 0.5")
    page.evaluate("clock.pause()")
    settle(page, "!clock.playing")
    heard = page.evaluate("heard")
    assert len(heard) > 1
    assert heard == sorted(heard)
    now, played, _ = times(page)
    assert now == pytest.approx(played, abs=0.002)
    count = len(heard)
    page.evaluate("new Promise(requestAnimationFrame)")
    assert page.evaluate("heard.length") == count


def test_playing_the_video_itself_silences_the_sound_and_goes_on_from_there(page, source):
    load(page, source, "sound", "video")
    page.evaluate("video.style.display = 'none'; clock.seek(1); sound.play()")
    settle(page, "clock.playing && clock.time > 1.1")
    page.evaluate("video.play()")
    settle(page, "sound.paused && !video.paused")
    assert page.evaluate("clock.playing && clock.time") > 1.05
    page.evaluate("video.pause()")
    settle(page, "!clock.playing && Math.abs(sound.currentTime - video.currentTime) < 0.02")


def test_seeking_in_the_video_itself_moves_everything(page, source):
    load(page, source, "sound", "video")
    page.evaluate("video.currentTime = 2")
    settle(page, "clock.time === 2 && Math.abs(sound.currentTime - 2) < 0.02")
    page.evaluate("clock.seek(0.5)")
    settle(page, "!video.seeking && !sound.seeking")
    page.evaluate("video.currentTime = 2")  # back to where the clock sent it earlier
    settle(page, "clock.time === 2 && Math.abs(sound.currentTime - 2) < 0.02")
    page.evaluate("video.style.display = 'none'; sound.play()")
    settle(page, "clock.time > 2.05")
    page.evaluate("heard = []; video.currentTime = 0.25")
    settle(page, "heard.some((time) => time > 0.24 && time < 2) && clock.playing")


def test_it_rests_at_the_end_and_starts_over(page, source):
    load(page, source, "sound", "video")
    page.evaluate(f"clock.seek({SECONDS} - 0.2)")
    page.evaluate("clock.play()")
    settle(page, "!clock.playing && video.ended")
    assert page.evaluate("clock.time") == pytest.approx(SECONDS, abs=0.01)
    settle(page, f"sound.currentTime > {SECONDS} - 0.02")
    page.evaluate("heard = []; clock.toggle()")
    settle(page, "clock.playing && heard.some((time) => time < 1)")


def test_the_moment_survives_a_new_video(page, source):
    load(page, source, "sound", "video")
    page.evaluate("clock.seek(1.5); video.removeAttribute('src'); video.load()")
    load(page, source, "video")
    settle(page, "Math.abs(video.currentTime - 1.5) < 0.02")
    assert page.evaluate("clock.time") == 1.5


def test_a_player_taken_off_the_page_stops_the_clock(page, source):
    load(page, source, "sound", "video")
    page.evaluate("video.play()")
    settle(page, "clock.time > 0.2")
    page.evaluate("states = 0; clock.addEventListener('state', () => states++); video.remove()")
    settle(page, "states > 0 && !clock.playing")
    at = page.evaluate("clock.time")
    assert at > 0.15
    page.evaluate("clock.play()")
    settle(page, "!sound.paused")
    assert page.evaluate("clock.time") >= at


def test_muting_one_mutes_all_and_the_next(page, source):
    load(page, source, "sound")
    page.evaluate("clock.muted = true")
    load(page, source, "video")
    assert page.evaluate("[sound.muted, video.muted]") == [True, True]
    page.evaluate("video.muted = false; video.volume = 0.5")
    settle(page, "!clock.muted && !sound.muted && sound.volume === 0.5")


def test_two_apps_do_not_meet(page, source):
    load(page, source, "sound")
    page.evaluate("other = sharedClockOf(two)")
    load(page, source, "two.querySelector('audio')")
    page.evaluate("other.play()")
    settle(page, "other.time > 0.1")
    assert page.evaluate("[clock.playing, clock.time, other.playing]") == [False, 0, True]
