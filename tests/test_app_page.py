"""The page in a real browser: Chromium, driven by Playwright, with no way out to the network."""

import json
import shutil

import numpy as np
import pytest
import soundfile

from kmtalk.audio import save_audio
from kmtalk.errors import InputError

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")

PATIENCE = 120_000  # ms; machines differ, and a shared one can be slow
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
VIDEO = "document.querySelector('#kmtalk-video video')"
HARMLESS = ("Unable to decode audio data", "Waveform load error")  # Gradio's player meets a broken recording


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def visit(browser, app_url):
    """Opens pages; in the end none may have logged an error or asked another host for anything."""
    complaints = []

    def listen(page):
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
        page.on("request", lambda request: _is_outside(request.url, app_url) and complaints.append(request.url))

    def visit(query="", **options):
        options = {"viewport": {"width": 1280, "height": 900}, "accept_downloads": True} | options
        page = browser.new_context(**options).new_page()
        page.set_default_timeout(PATIENCE)
        listen(page)
        page.goto(app_url + query)
        page.wait_for_selector("#animate")
        return page

    yield visit
    assert [text for text in complaints if not text.startswith(HARMLESS)] == []


def _is_outside(url, app_url):
    return not url.startswith((app_url, "data:", "blob:"))


@pytest.fixture(scope="module")
def recording(voice, tmp_path_factory):
    return save_audio(tmp_path_factory.mktemp("voice") / "hello.wav", voice[4800:28800])  # 1.5 s


def upload(page, path):
    page.set_input_files("#recording input[type=file]", str(path))
    page.wait_for_selector("#recording [data-testid^=waveform]")


def choose_small_video(page):
    page.get_by_role("button", name="Options").click()
    page.get_by_label("256", exact=True).check()


def run(page, path):
    upload(page, path)
    page.click("#animate")
    page.wait_for_selector("#timeline .phoneme")
    page.wait_for_function(f"{VIDEO}?.readyState >= 2")
    page.wait_for_selector("#animate", state="visible")


def video_time(page):
    return page.evaluate(f"{VIDEO}.currentTime")


def slider(page):
    return page.get_by_role("slider", name="Position in the recording")


def shown_time(page):
    return float(slider(page).get_attribute("aria-valuenow"))


@pytest.fixture(scope="module")
def done(visit, recording):
    """A page on which one recording has been animated."""
    page = visit()
    choose_small_video(page)
    run(page, recording)
    return page


def test_page_says_what_it_is(visit):
    page = visit()
    assert page.get_by_role("heading", level=1).all_inner_texts() == ["KMTalk"]
    assert page.get_by_role("link", name="Paper").get_attribute("href") == "https://arxiv.org/abs/2409.01113"
    text = page.inner_text("body")
    for promise in ("kmtalk-base on CPU", "deleted after an hour", "0.3 to 60 s", "25 MB", "synthesised"):
        assert promise in text
    assert page.locator("#stop").is_hidden() and page.locator("#results").is_hidden()


def test_timeline_comes_before_the_video(visit, recording):
    page = visit()
    choose_small_video(page)
    upload(page, recording)
    page.click("#animate")
    page.wait_for_selector("#stop", state="visible")
    page.wait_for_selector("#timeline .phoneme")
    assert not page.evaluate(f"{VIDEO}?.readyState > 0")
    assert page.locator("#timeline .play").is_disabled()
    page.wait_for_function("/^Rendering frame \\d+ of 3[78]$/.test(document.querySelector('#status p').textContent)")
    page.wait_for_function(f"{VIDEO}?.readyState >= 2")
    page.wait_for_selector("#stop", state="hidden")
    assert page.evaluate(f"{VIDEO}.paused") and page.locator("#status p").is_hidden()
    page.context.close()


def test_timeline_shows_every_part(done):
    phonemes = done.locator("#timeline .phoneme").count()
    assert phonemes >= 3
    assert done.locator("#timeline tbody tr").count() == phonemes
    assert done.locator("#timeline .diamond").count() >= 3
    assert done.locator("#timeline .wave").count() == done.locator("#timeline .opening").count() == 1
    titles = done.locator("#timeline .phoneme title").all_text_contents()
    assert all(" to " in title and title.endswith(" s") for title in titles)
    for box, text in done.evaluate(
        """() => [...document.querySelectorAll('#timeline .phoneme text')].map((text) =>
            [text.previousElementSibling.getBBox().width, text.getBBox().width])"""
    ):
        assert text <= box


def test_playing_moves_the_playhead_with_the_video(done):
    slider(done).focus()
    done.keyboard.press("Home")
    done.keyboard.press("Space")
    done.wait_for_function(f"{VIDEO}.currentTime > 0.2")
    apart = done.evaluate(
        f"""() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => {{
            const shown = Number(document.querySelector('#timeline [role=slider]').getAttribute('aria-valuenow'));
            resolve(Math.abs(shown - {VIDEO}.currentTime));
        }})))"""
    )
    assert apart <= 0.08
    assert done.locator("#timeline .play").get_attribute("aria-label") == "Pause"
    done.click("#timeline .play")
    done.wait_for_function(f"{VIDEO}.paused")


def test_a_click_seeks(done):
    surface = done.locator("#timeline .surface")
    box = surface.bounding_box()
    seconds = float(slider(done).get_attribute("aria-valuemax"))
    width = done.evaluate("document.querySelector('#timeline .drawing').getAttribute('width')")
    surface.click(position={"x": 0.5 * float(width), "y": 50})
    done.wait_for_function(f"Math.abs({VIDEO}.currentTime - {seconds / 2}) < 0.04")
    assert shown_time(done) == pytest.approx(seconds / 2, abs=0.04)
    done.mouse.down()
    done.mouse.move(box["x"] + 0.25 * float(width), box["y"] + 50)
    done.mouse.up()
    done.wait_for_function(f"Math.abs({VIDEO}.currentTime - {seconds / 4}) < 0.04")


def test_keys_step_by_frames_and_key_frames(done):
    slider(done).focus()
    done.keyboard.press("Home")
    assert shown_time(done) == 0
    done.keyboard.press("ArrowRight")
    assert shown_time(done) == pytest.approx(0.04, abs=0.011)
    assert "frame 1" in slider(done).get_attribute("aria-valuetext")
    done.wait_for_function(f"{VIDEO}.currentTime >= 0.04")
    done.keyboard.press("ArrowLeft")
    assert "frame 0, key frame 1 of" in slider(done).get_attribute("aria-valuetext")
    done.keyboard.press("Shift+ArrowRight")
    assert "key frame 2 of" in slider(done).get_attribute("aria-valuetext")
    done.keyboard.press("Shift+ArrowLeft")
    assert "key frame 1 of" in slider(done).get_attribute("aria-valuetext")
    done.keyboard.press("End")
    count = done.locator("#timeline .diamond").count()
    assert f"key frame {count} of {count}" in slider(done).get_attribute("aria-valuetext")


def test_hovering_tells_what_is_there(done):
    done.locator("#timeline .surface").hover(position={"x": 60, "y": 90})
    tip = done.locator("#timeline .tip")
    assert tip.is_visible() and "frame" in tip.inner_text() and "mm" in tip.inner_text()


def test_zoom_makes_the_drawing_wider_and_fit_shows_all(done):
    def width():
        return float(done.locator("#timeline .drawing").get_attribute("width"))

    before = width()
    done.get_by_role("button", name="Zoom in").click()
    assert width() == pytest.approx(1.5 * before, rel=0.01)
    done.get_by_role("button", name="Fit all").click()
    room = done.evaluate("document.querySelector('#timeline .scroller').clientWidth - 16")
    assert width() == pytest.approx(room, abs=2)


def test_downloads_open(done, recording):
    links = done.locator("#downloads a")
    assert links.locator(".kind").all_inner_texts() == ["mp4", "npz", "glb", "csv", "TextGrid", "json"]
    saved = {}
    for link in links.all():
        with done.expect_download() as waiting:
            link.click()
        saved[waiting.value.suggested_filename] = waiting.value.path()
    assert set(saved) == {f"hello.{kind}" for kind in ("mp4", "npz", "glb", "csv", "TextGrid", "json")}
    told = json.loads(saved["hello.json"].read_text())
    with np.load(saved["hello.npz"]) as packed:
        assert len(packed["vertices"]) == told["frames"]
    assert done.locator("#timeline .phoneme").count() == len(told["phonemes"])
    assert saved["hello.glb"].read_bytes()[:4] == b"glTF"


def test_table_tells_how_it_was_made(done):
    done.get_by_role("tab", name="How it was made").click()
    table = done.locator("#made").inner_text()
    for row in ("Recording", "1.50 s", "Phonemes", "Key frames", "kmtalk-base", "Rendering and encoding"):
        assert row in table
    done.get_by_role("tab", name="Downloads").click()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_labels_can_be_read(visit, recording, theme):
    page = visit(f"?__theme={theme}")
    upload(page, recording)
    page.click("#animate")
    page.wait_for_selector("#timeline .phoneme text")
    page.click("#stop")
    pairs = page.evaluate(
        """() => {
            const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
            const rgb = (color) => {
                canvas.fillStyle = color;
                canvas.fillRect(0, 0, 1, 1);
                return [...canvas.getImageData(0, 0, 1, 1).data.slice(0, 3)];
            };
            const style = (node) => getComputedStyle(node);
            const paper = style(document.querySelector('#timeline .timeline')).backgroundColor;
            return [...document.querySelectorAll('#timeline .phoneme:not(.silence) text')]
                .map((text) => [rgb(style(text).fill), rgb(style(text.previousElementSibling).fill)])
                .concat([[rgb(style(document.querySelector('#timeline footer')).color), rgb(paper)]]);
        }"""
    )
    assert len(pairs) > 1
    assert min(_contrast(*pair) for pair in pairs) >= 4.5
    page.context.close()


def _contrast(one, other):
    def luminance(color):
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in (x / 255 for x in color)]
        return np.dot([0.2126, 0.7152, 0.0722], linear)

    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_text("no sound in here"), "is not a sound file"),
        (lambda path: soundfile.write(path, np.zeros(16000), 16000), "all of it is silent"),
        (lambda path: soundfile.write(path, np.sin(np.arange(61 * 8000) / 9), 8000), "takes up to 60 s"),
    ],
)
def test_a_recording_that_cannot_be_used_gets_a_sentence(visit, tmp_path, make, message):
    make(tmp_path / "voice.wav")
    page = visit()
    page.set_input_files("#recording input[type=file]", str(tmp_path / "voice.wav"))
    page.wait_for_function("document.querySelector('#recording').innerText.includes('Drop') === false")
    page.click("#animate")
    toast = page.get_by_test_id("toast-body")
    toast.wait_for()
    assert message in toast.inner_text() and "Traceback" not in toast.inner_text()
    page.wait_for_selector("#animate", state="visible")
    assert page.locator("#stop").is_hidden() and page.locator("#results").is_hidden()
    page.context.close()


def test_without_opengl_everything_but_the_video_is_there(visit, recording, monkeypatch):
    def render(*arguments, **options):
        raise InputError("cannot draw video: OpenGL does not start here")

    monkeypatch.setattr("kmtalk.web.service.render", render)
    page = visit()
    upload(page, recording)
    page.click("#animate")
    page.get_by_text("Cannot draw video: OpenGL does not start here.").wait_for()
    page.wait_for_selector("#animate", state="visible")
    page.wait_for_selector("#stop", state="hidden")
    assert page.locator("#downloads .kind").all_inner_texts() == ["npz", "glb", "csv", "TextGrid", "json"]
    assert page.locator("#timeline .phoneme").count() >= 3
    page.context.close()


def test_no_recording_gets_a_sentence(visit):
    page = visit()
    page.click("#animate")
    page.get_by_text("There is no recording yet").wait_for()
    page.context.close()


def test_an_example_can_be_tried(visit):
    page = visit()
    page.locator("#examples button").first.click()
    page.wait_for_selector("#recording [data-testid^=waveform]")
    page.click("#animate")
    page.wait_for_selector("#timeline .phoneme")
    assert page.locator("#timeline .phoneme").count() > 20
    page.click("#stop")
    page.wait_for_selector("#animate", state="visible")
    page.context.close()


def test_a_voice_can_be_recorded(visit):
    page = visit(permissions=["microphone"])
    page.get_by_label("Record audio").click()
    page.get_by_role("button", name="Record", exact=True).click()
    page.wait_for_function("/0:0[1-9]/.test(document.querySelector('#recording').innerText)")
    page.get_by_role("button", name="Stop", exact=True).first.click()
    page.wait_for_selector("#recording [data-testid^=waveform]")
    page.click("#animate")
    page.wait_for_selector("#timeline .phoneme")
    page.click("#stop")
    page.context.close()


def test_stop_stops_and_leaves_nothing_behind(visit, voice, tmp_path, app_folder):
    page = visit()
    upload(page, save_audio(tmp_path / "longer.wav", np.tile(voice, 5)))
    page.click("#animate")
    page.wait_for_function("/^Rendering frame/.test(document.querySelector('#status p').textContent)")
    page.click("#stop")
    page.wait_for_selector("#animate", state="visible")
    page.wait_for_selector("#stop", state="hidden")
    page.wait_for_selector("#status p", state="hidden")
    assert page.locator("#timeline .phoneme").count() > 10
    assert not page.evaluate(f"{VIDEO}?.readyState > 0")
    while list(app_folder.glob("kmtalk-*")):  # the frame that was being drawn is finished first
        page.wait_for_timeout(50)
    page.locator("#recording").get_by_label("Clear").click()
    choose_small_video(page)
    run(page, save_audio(tmp_path / "after.wav", voice[4800:20800]))
    assert page.locator("#downloads .kind").first.inner_text() == "mp4"
    page.context.close()


def test_two_visitors_get_their_own(visit, voice, tmp_path):
    pages = [visit(), visit()]
    lengths = [16000, 24000]
    for page, length in zip(pages, lengths, strict=True):
        choose_small_video(page)
        upload(page, save_audio(tmp_path / f"voice{length}.wav", voice[4800 : 4800 + length]))
    for page in pages:
        page.click("#animate")
    for page, length in zip(pages, lengths, strict=True):
        page.wait_for_function(f"{VIDEO}?.readyState >= 2")
        assert page.evaluate(f"{VIDEO}.duration") == pytest.approx(length / 16000, abs=0.045)
        assert float(slider(page).get_attribute("aria-valuemax")) == length / 16000
        assert page.locator("#downloads a").first.get_attribute("download") == f"voice{length}.mp4"
        page.context.close()


def test_a_phone_never_scrolls_sideways(visit, recording):
    page = visit(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    wide = "document.documentElement.scrollWidth > innerWidth"
    assert not page.evaluate(wide)
    choose_small_video(page)
    run(page, recording)
    assert not page.evaluate(wide) and page.evaluate("innerWidth") == 390
    box = page.locator("#timeline .surface").bounding_box()
    page.locator("#timeline").scroll_into_view_if_needed()
    page.locator("#timeline .surface").tap(position={"x": 100, "y": 50})
    assert shown_time(page) > 0.2 and box["width"] > 100
    page.context.close()
