"""The page in a real browser: Chromium, driven by Playwright, with no way out to the network."""

import json
import re
import shutil
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import httpx
import numpy as np
import pytest
import soundfile
from test_export_glb import VALIDATE

from kmtalk.audio import save_audio
from kmtalk.errors import InputError
from kmtalk.phonemes import Phoneme
from kmtalk.render import render
from kmtalk.textgrid import format_textgrid

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
VIEWER = "document.querySelector('#kmtalk-viewer .viewer')"
FRAME = f"Number({VIEWER}.dataset.frame)"
HARMLESS = ("Unable to decode audio data", "Waveform load error")  # Gradio's player meets a broken recording
OWN_PARTS = ["#kmtalk-viewer", "#timeline", "#downloads", "#status", ".masthead"]


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
    page.get_by_role("button", name="How it is filmed").click()
    page.get_by_label("256", exact=True).check()


def wait_for_video(page):
    page.wait_for_function(f"{VIDEO}?.readyState >= 2")
    page.wait_for_selector("#animate", state="visible")


def run(page, path):
    upload(page, path)
    page.click("#animate")
    page.wait_for_selector("#timeline .phoneme")
    wait_for_video(page)


def stop(page):
    """End what is being done, if it has not ended by itself."""
    page.evaluate("document.querySelector('#stop')?.click()")
    page.wait_for_selector("#animate", state="visible")


def slider(page):
    return page.get_by_role("slider", name="Position in the recording")


def shown_time(page):
    return float(slider(page).get_attribute("aria-valuenow"))


def press(page, *keys):
    slider(page).focus()
    for key in keys:
        page.keyboard.press(key)


def ready_files(page):
    return page.locator("#downloads tr:has(a.get) .kind").all_inner_texts()


def ready_file(kind):
    return f"#downloads tr:has(.kind:text-is('{kind}')) a.get"


def save(page, kind):
    with page.expect_download() as waiting:
        page.click(ready_file(kind))
    return waiting.value.suggested_filename, waiting.value.path()


@pytest.fixture(scope="module")
def done(visit, recording):
    """A page on which one recording has been animated; its visitor asked for reduced motion, so it stands still."""
    page = visit(reduced_motion="reduce")
    choose_small_video(page)
    run(page, recording)
    return page


@pytest.fixture
def going_on(monkeypatch):
    """An event for which filming waits after its second frame, unless it is stopped."""
    going_on = Event()

    def held(*arguments, progress, **options):
        def wait(frame, frames):
            progress(frame, frames)
            while frame == 2 and not going_on.wait(0.05):
                progress(frame, frames)

        return render(*arguments, progress=wait, **options)

    monkeypatch.setattr("kmtalk.web.service.render", held)
    yield going_on
    going_on.set()


def test_page_says_what_it_is(visit):
    page = visit()
    assert page.get_by_role("heading", level=1).all_inner_texts() == ["KMTalk"]
    assert page.get_by_role("link", name="Paper").get_attribute("href") == "https://arxiv.org/abs/2409.01113"
    text = page.inner_text("body")
    for promise in ("kmtalk-base on CPU", "deleted after an hour", "0.3 to 60 s", "25 MB", "synthesised"):
        assert promise in text
    assert page.locator("#stop").is_hidden() and page.locator("#results").is_hidden()
    page.context.close()


def test_the_face_moves_with_its_sound_before_the_video_is_there(visit, voice, tmp_path, going_on):
    page = visit()
    choose_small_video(page)
    upload(page, save_audio(tmp_path / "long.wav", np.tile(voice, 4)))
    page.click("#animate")
    page.wait_for_selector("#stop", state="visible")
    page.wait_for_function(f"{FRAME} > 3")
    assert not page.evaluate(f"{VIDEO}?.readyState > 0")
    assert page.locator("#timeline .phoneme").count() >= 3
    page.wait_for_function("/^Rendering frame \\d+ of 300/.test(document.querySelector('#status p').textContent)")
    stop(page)
    page.context.close()


def test_one_clock_for_timeline_viewer_sound_and_video(done):
    frames = int(slider(done).get_attribute("aria-valuemax").replace(".", "")) * 25 // 100
    press(done, "Home", *["ArrowRight"] * 7)
    for _ in range(2):
        frame = round(shown_time(done) * 25)
        assert 0 < frame < frames
        done.wait_for_function(f"{FRAME} === {frame}")
        for player in (VIDEO, f"{VIEWER}.querySelector('audio')"):
            done.wait_for_function(f"!{player}.seeking && Math.floor({player}.currentTime * 25 + 0.01) === {frame}")
        press(done, "Shift+ArrowRight")


def test_playing_moves_playhead_and_face_with_the_video_once_it_is_seen(done):
    done.get_by_label("Video", exact=True).check(force=True)
    press(done, "Home", "Space")
    done.wait_for_function(f"{VIDEO}.currentTime > 0.2")
    playhead = "document.querySelector('#timeline [role=slider]').getAttribute('aria-valuenow')"
    done.wait_for_function(f"{playhead} > 0.2 && Math.abs({playhead} - {VIDEO}.currentTime) <= 0.08")
    done.click("#timeline .play")
    done.wait_for_function(f"{VIDEO}.paused")
    done.get_by_label("3D", exact=True).check(force=True)
    done.wait_for_function(f"{FRAME} === Math.floor({VIDEO}.currentTime * 25 + 0.01)")


def test_downloads_open(done, node):
    assert ready_files(done) == ["mp4", "glb", "csv", "TextGrid", "npz", "json"]
    saved = dict(save(done, kind) for kind in ready_files(done))
    assert set(saved) == {f"hello.{kind}" for kind in ("mp4", "npz", "glb", "csv", "TextGrid", "json")}
    told = json.loads(saved["hello.json"].read_text())
    with np.load(saved["hello.npz"]) as packed:
        assert len(packed["vertices"]) == told["frames"] and packed["vertices"].shape[2] == 3
    assert done.locator("#timeline .phoneme").count() == len(told["phonemes"])
    assert len(saved["hello.csv"].read_text().splitlines()) == told["frames"] + 1
    assert json.loads(node(VALIDATE, saved["hello.glb"]))["messages"] == []


def test_other_files_are_made_on_demand(done):
    done.get_by_role("button", name="Make obj.zip").click()
    done.wait_for_selector(ready_file("obj.zip"))
    _, path = save(done, "obj.zip")
    with zipfile.ZipFile(path) as archive:
        assert sum(name.endswith(".obj") for name in archive.namelist()) == 38
    done.get_by_role("button", name="Make webm").click()
    done.wait_for_selector(ready_file("webm"))
    assert "Give a transcript" in done.locator("#downloads tr:has(.kind:text-is('srt'))").inner_text()


def test_table_tells_how_it_was_made(done):
    done.get_by_role("tab", name="How it was made").click()
    table = done.locator("#made").inner_text()
    for row in ("Recording", "1.50 s", "Phonemes", "Key frames", "kmtalk-base", "Rendering and encoding"):
        assert row in table
    done.get_by_role("tab", name="Downloads").click()


def weights(page):
    with np.load(save(page, "npz")[1]) as packed:
        return packed["weights"]


def drawn_mouth(page):
    return page.locator("#timeline .opening").get_attribute("points")


def test_an_edit_is_completed_again_and_everything_follows(visit, recording):
    page = visit(reduced_motion="reduce")
    choose_small_video(page)
    run(page, recording)
    before, drawn, video = weights(page), drawn_mouth(page), page.evaluate(f"{VIDEO}.currentSrc")
    press(page, "Home", *["Shift+ArrowRight"] * 4)
    frame = round(shown_time(page) * 25)
    face = page.evaluate(f"{VIEWER}.inspect.positions({frame})")
    page.get_by_role("slider", name="Jaw").fill("1")
    page.get_by_role("button", name="Complete again").click()
    page.wait_for_function(f"{VIDEO}?.readyState >= 2 && {VIDEO}.currentSrc !== '{video}'")
    wait_for_video(page)
    changed = np.flatnonzero(np.abs(weights(page) - before).max(axis=1) > 1e-5)
    assert frame in changed and np.ptp(changed) < 25 and len(changed) < len(before) - 10
    assert drawn_mouth(page) != drawn
    assert np.abs(np.subtract(page.evaluate(f"{VIEWER}.inspect.positions({frame})"), face)).max() > 1e-3
    assert shown_time(page) == pytest.approx(frame / 25, abs=0.011) and page.evaluate(FRAME) == frame
    told = json.loads(save(page, "json")[1].read_text())
    assert [edit["do"] for edit in told["edits"]] == ["shape key"] and told["edits"][0]["jaw"] == 1
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Complete again").click()
    page.wait_for_function("!document.querySelector('#timeline .edited')")
    wait_for_video(page)
    np.testing.assert_array_equal(weights(page), before)
    assert drawn_mouth(page) == drawn
    assert json.loads(save(page, "json")[1].read_text()).get("edits", []) == []
    page.context.close()


def test_an_edit_made_while_filming_puts_its_own_files_in_place(visit, voice, tmp_path, going_on):
    page = visit(reduced_motion="reduce")
    choose_small_video(page)
    upload(page, save_audio(tmp_path / "while.wav", voice))
    page.click("#animate")
    page.wait_for_function("/^Rendering frame/.test(document.querySelector('#status p').textContent)")
    page.wait_for_selector(ready_file("json"))
    before = page.get_attribute(ready_file("json"), "href")
    press(page, "Home", *["Shift+ArrowRight"] * 2)
    page.get_by_role("slider", name="Lips closed").fill("1")
    page.get_by_role("button", name="Complete again").click()
    page.wait_for_selector(f"{ready_file('json')}:not([href='{before}'])")
    going_on.set()
    page.wait_for_selector(ready_file("mp4"))
    wait_for_video(page)
    assert ready_files(page) == ["mp4", "glb", "csv", "TextGrid", "npz", "json"]
    assert [edit["closed"] for edit in json.loads(save(page, "json")[1].read_text())["edits"]] == [1]
    page.context.close()


def test_another_face_speaks_at_once_and_is_filmed_on_demand(visit, recording):
    page = visit(reduced_motion="reduce")
    choose_small_video(page)
    run(page, recording)
    video, nose = page.evaluate(f"[{VIDEO}.currentSrc, {VIEWER}.inspect.positions(0)[3001]]")
    page.get_by_label("Ben").check(force=True)
    page.wait_for_function(f"Math.abs({VIEWER}.inspect.positions(0)[3001] - {nose}) > 1e-5")
    page.get_by_label("Video", exact=True).check(force=True)
    page.click("#again")
    page.wait_for_function(f"{VIDEO}?.readyState >= 2 && {VIDEO}.currentSrc !== '{video}'")
    page.wait_for_selector("#animate", state="visible")
    page.context.close()


def test_what_is_said_gives_captions(visit, recording):
    page = visit(reduced_motion="reduce")
    choose_small_video(page)
    page.get_by_role("button", name="What is said").click()
    page.locator("#transcript textarea").fill("my see ooh")
    run(page, recording)
    assert "my see ooh" in save(page, "srt")[1].read_text()
    page.context.close()


def test_an_alignment_is_taken_as_it_is(visit, recording, tmp_path):
    phonemes = (Phoneme("sil", 0, 0.25), Phoneme("AA", 0.25, 1.1), Phoneme("M", 1.1, 1.5))
    path = tmp_path / "hello.TextGrid"
    path.write_text(format_textgrid(phonemes, (), 1.5))
    page = visit(reduced_motion="reduce")
    page.get_by_role("button", name="What is said").click()
    page.set_input_files("#alignment input[type=file]", str(path))
    upload(page, recording)
    page.click("#animate")
    page.wait_for_selector("#timeline .phoneme")
    assert page.locator("#timeline tbody tr").all_inner_texts() == [
        "sil\t0.00\t0.25",
        "AA\t0.25\t1.10",
        "M\t1.10\t1.50",
    ]
    stop(page)
    page.context.close()


def test_a_link_carries_the_settings(visit):
    page = visit(
        "?face=cleo&camera=close&fps=30&life=0&background=%23336699&size=9999",
        permissions=["clipboard-write", "clipboard-read"],
    )
    page.get_by_text("which is not on offer").wait_for()
    page.wait_for_function(f"{VIEWER}.inspect.view().camera.fieldOfView < 10")
    assert page.locator("#link").is_visible()
    page.get_by_role("button", name="How it moves").click()
    assert page.get_by_label("30", exact=True).is_checked() and not page.get_by_label("Life").is_checked()
    page.click("#link")
    page.wait_for_function("document.querySelector('#link').textContent === 'Copied'")
    link = page.evaluate("navigator.clipboard.readText()")
    query = link.partition("?")[2]
    assert sorted(query.split("&")) == ["background=%23336699", "camera=close", "face=cleo", "fps=30", "life=0"]
    page.context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_in_our_own_parts(visit, recording, node_modules, theme):
    page = visit(f"?__theme={theme}", reduced_motion="reduce")
    upload(page, recording)
    page.click("#animate")
    page.wait_for_selector("#timeline .phoneme text")
    page.wait_for_selector("#downloads a.get")
    page.add_script_tag(path=node_modules / "axe-core" / "axe.min.js")
    for part in OWN_PARTS:
        found = page.evaluate(f"axe.run({part!r}, {{ resultTypes: ['violations'] }})")
        assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == [], part
    stop(page)
    page.context.close()


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
    page.get_by_test_id("toast-body").get_by_text("Cannot draw video: OpenGL does not start here.").wait_for()
    page.wait_for_selector("#animate", state="visible")
    page.wait_for_selector("#stop", state="hidden")
    assert ready_files(page) == ["glb", "csv", "TextGrid", "npz", "json"]
    assert "OpenGL does not start here" in page.locator("#downloads tr:has(.kind:text-is('mp4'))").inner_text()
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
    stop(page)
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
    stop(page)
    page.context.close()


def test_stop_stops_and_leaves_nothing_behind(visit, voice, tmp_path, app_folder, going_on):
    page = visit()
    upload(page, save_audio(tmp_path / "longer.wav", np.tile(voice, 5)))
    page.click("#animate")
    page.wait_for_function("/^Rendering frame/.test(document.querySelector('#status p').textContent)")
    page.click("#stop")
    page.wait_for_selector("#animate", state="visible")
    page.wait_for_selector("#stop", state="hidden")
    page.wait_for_selector("#status p", state="hidden")
    page.get_by_role("button", name="Make mp4").wait_for()
    assert page.locator("#timeline .phoneme").count() > 10
    assert not page.evaluate(f"{VIDEO}?.readyState > 0")
    while list(app_folder.glob("kmtalk-*")):  # the frame that was being drawn is finished first
        page.wait_for_timeout(50)
    going_on.set()
    page.locator("#recording").get_by_label("Clear").click()
    choose_small_video(page)
    run(page, save_audio(tmp_path / "after.wav", voice[4800:20800]))
    assert ready_files(page)[0] == "mp4"
    page.context.close()


def test_stop_reaches_work_that_the_server_has_not_heard_of_yet(visit, recording):
    page, held = visit(reduced_motion="reduce"), []
    choose_small_video(page)
    upload(page, recording)
    page.route("**/queue/join*", lambda route: held.append(route))
    with page.expect_request("**/queue/join*"):
        page.click("#animate")
    page.click("#stop")
    page.wait_for_selector("#animate", state="visible")
    with page.expect_response("**/queue/join*"):
        held[0].continue_()
    page.unroute("**/queue/join*")
    assert page.locator("#results").is_hidden() and page.locator("#stop").is_hidden()
    page.click("#animate")
    wait_for_video(page)
    assert ready_files(page) == ["mp4", "glb", "csv", "TextGrid", "npz", "json"]
    page.context.close()


def test_what_is_pressed_in_haste_gets_all_its_files_once(visit, recording):
    page = visit(reduced_motion="reduce")
    choose_small_video(page)
    run(page, recording)
    before = page.get_attribute(ready_file("mp4"), "href")
    page.get_by_label("Ben").check(force=True)
    page.get_by_label("Video", exact=True).check(force=True)
    page.dblclick("#again")
    page.wait_for_selector(f"{ready_file('mp4')}:not([href='{before}'])")
    page.wait_for_selector("#animate", state="visible")
    assert page.locator("#downloads .kind").count() == 10 and page.locator("#downloads .wheel").count() == 0
    assert ready_files(page) == ["mp4", "glb", "csv", "TextGrid", "npz", "json"]
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
        assert page.locator("#downloads a.get").first.get_attribute("download") == f"voice{length}.mp4"
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


@pytest.fixture(scope="module")
def host(app_url, tmp_path_factory):
    """Another site, which embeds the page in a frame and as a web component."""
    folder = tmp_path_factory.mktemp("host")
    allow = "microphone; autoplay; clipboard-write; fullscreen"
    (folder / "frame.html").write_text(f'<iframe src="{app_url}?face=ben" width="900" height="2400" allow="{allow}">')
    script = re.search(r'src="[./]*(assets/index-[^"]+\.js)"', httpx.get(app_url).text).group(1)
    (folder / "component.html").write_text(
        f'<script type="module" src="{app_url}{script}"></script><gradio-app src="{app_url}"></gradio-app>'
    )
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_it_works_in_a_frame_of_another_site(browser, host, recording):
    page = browser.new_context(reduced_motion="reduce").new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{host}/frame.html")
    frame = page.frame_locator("iframe")
    frame.locator("#recording input[type=file]").set_input_files(str(recording))
    frame.locator("#recording [data-testid^=waveform]").first.wait_for()
    frame.locator(".identity input[value=ben]:checked").wait_for(state="attached")
    frame.locator("#animate").click()
    frame.locator("#timeline .phoneme").first.wait_for()
    frame.locator("#kmtalk-viewer .viewer:not(.resting)").wait_for()
    frame.locator("#downloads a.get").first.wait_for()
    page.context.close()


def test_it_works_as_a_web_component(browser, host, recording):
    page = browser.new_context(reduced_motion="reduce").new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{host}/component.html")
    upload(page, recording)
    page.click("#animate")
    page.wait_for_selector("#timeline .phoneme")
    page.wait_for_function(f"!{VIEWER}.classList.contains('resting') && {VIEWER}.querySelector('audio').readyState > 0")
    stop(page)
    page.context.close()
