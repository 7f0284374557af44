"""The list of files, in Python and in Chromium."""

import shutil
import threading
from pathlib import Path

import gradio as gr
import pytest

from kmtalk.export import SUFFIXES
from kmtalk.web import page as look
from kmtalk.web.downloads import KINDS, DownloadList, Downloads, absent, download, failed, making, offered

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PATIENCE = 120_000  # ms
HOSTILE = "<img src=x onerror=alert(1)> `code` is needed"


def test_every_exported_format_is_told_about():
    assert {suffix[1:] for suffix in SUFFIXES} | {"mp4", "webm", "png.zip"} == set(KINDS)
    assert list(dict.fromkeys(kind.group for kind in KINDS.values())) == ["Video", "Animation", "Speech", "Data"]


@pytest.mark.parametrize(
    ("name", "kind"), [("a.b.glb", "glb"), ("talk.OBJ.zip", "obj.zip"), ("talk.textgrid", "TextGrid"), ("x.vtt", "vtt")]
)
def test_a_file_is_known_by_its_suffix(name, kind, tmp_path):
    (tmp_path / name).write_bytes(b"x" * 1_250_000)
    line = download(tmp_path / name)
    assert (line.kind, line.state, line.size) == (kind, "ready", "1.2 MB")
    assert (line.file.orig_name, line.file.size) == (name, 1_250_000)


def test_small_files_are_told_in_kilobytes(tmp_path):
    (tmp_path / "talk.json").write_bytes(b"{}")
    assert download(tmp_path / "talk.json").size == "1 kB"


class Stage:
    """A page with the list alone, whose handlers a test sends for."""

    def __init__(self, folder):
        self.folder = folder
        self.asked, self.may_answer = [], threading.Event()
        with gr.Blocks(analytics_enabled=False) as self.blocks:
            with gr.Tab("Other"):
                buttons = {name: gr.Button(name) for name in ("begin", "film", "stale", "edit", "clear")}
            with gr.Tab("Files"):
                self.list = Downloads(elem_id="downloads")
                stop = gr.Button("stop")
            for name, button in buttons.items():
                button.click(getattr(self, name), outputs=self.list, show_progress="hidden")
            stop.click(None, js=Downloads.RESTED)
            self.list.make(self.make, outputs=self.list, show_progress="hidden", concurrency_limit=None)

    def file(self, name):
        path = self.folder / name
        path.write_bytes(name.encode() * 1000)
        return download(path)

    def begin(self):
        there = [self.file(f"talk.{suffix}") for suffix in ("npz", "glb", "csv", "TextGrid")]
        return DownloadList(
            take="1",
            files=[*there, making("mp4"), offered("webm"), offered("obj.zip"), absent("srt", HOSTILE)],
        )

    def film(self):
        return DownloadList(take="1", files=[self.file("talk.mp4")])

    def stale(self):
        return DownloadList(take="1", files=[making("mp4"), offered("obj.zip")])

    def edit(self):
        return DownloadList(take="2", files=[self.file("again.glb")])

    def clear(self):
        return None

    def make(self, event: gr.EventData):
        self.asked.append(event.format)
        assert self.may_answer.wait(PATIENCE / 1000)
        if event.format == "webm":
            return DownloadList(take="1", files=[failed("webm", "This machine cannot draw: use the PNG pictures.")])
        return DownloadList(take="1", files=[self.file(f"talk.{event.format}")])


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    stage = Stage(tmp_path_factory.mktemp("files"))
    _, stage.url, _ = stage.blocks.launch(theme=look.theme(), prevent_thread_lock=True, quiet=True)
    yield stage
    stage.blocks.close(verbose=False)


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    assert CHROMIUM, "chromium is not installed: `make test` installs what packages-test.txt names"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, stage):
    """Opens the page and begins a run."""
    contexts, complaints = [], []
    stage.asked.clear()
    stage.may_answer.clear()

    def visit(theme="light", width=900):
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, accept_downloads=True))
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
        page.goto(f"{stage.url}?__theme={theme}")
        press(page, "begin")
        page.wait_for_selector("a.get")
        return page

    yield visit
    stage.may_answer.set()
    for context in contexts:
        context.close()
    assert complaints == []


def press(page, name):
    """Press a button of the other tab and come back to the files."""
    page.get_by_role("tab", name="Other").click()
    page.get_by_role("button", name=name, exact=True).click()
    page.get_by_role("tab", name="Files").click()


def state(page, kind):
    return page.locator(f"tr:has(.kind:text-is('{kind}')) .action").inner_text().strip()


def wait_for(page, kind, text):
    page.locator(f"tr:has(.kind:text-is('{kind}')) .action:has-text('{text}')").wait_for()


def test_files_are_grouped_and_open_as_they_were_written(visit):
    page = visit()
    assert page.locator(".group").all_inner_texts() == ["VIDEO", "ANIMATION", "SPEECH", "DATA"]
    kinds = ["mp4", "webm", "glb", "csv", "obj.zip", "TextGrid", "srt", "npz"]
    assert page.locator(".kind").all_inner_texts() == kinds
    assert [state(page, kind) for kind in kinds] == ["Making", "Make", "8 kB", "8 kB", "Make", "13 kB", "", "8 kB"]
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download glb, 8 kB").click()
    assert waiting.value.suggested_filename == "talk.glb"
    assert Path(waiting.value.path()).read_bytes() == b"talk.glb" * 1000


def test_texts_are_shown_and_never_run(visit):
    page = visit()
    assert page.locator(".note.absent").inner_text() == HOSTILE
    assert page.locator("code").first.inner_text() == "new GLTFLoader().load(url, show)"
    assert page.locator("#downloads img").count() == 0


def test_heavy_files_are_made_on_demand(visit, stage):
    page = visit()
    button = page.get_by_role("button", name="Make obj.zip")
    button.focus()
    page.keyboard.press("Enter")
    wait_for(page, "obj.zip", "Making")
    assert page.locator("#downloads .news").inner_text() == "Making obj.zip."
    press(page, "film")  # the video arrives meanwhile
    wait_for(page, "mp4", "8 kB")
    assert state(page, "obj.zip") == "Making"
    page.get_by_role("button", name="Making obj.zip").focus()
    page.keyboard.press("Enter")  # asking twice changes nothing
    stage.may_answer.set()
    wait_for(page, "obj.zip", "12 kB")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Download obj.zip, 12 kB"
    assert page.locator("#downloads .news").inner_text() == "obj.zip is ready."
    assert stage.asked == ["obj.zip"]
    press(page, "stale")  # a handler that knew less ends last
    assert (state(page, "mp4"), state(page, "obj.zip"), state(page, "glb")) == ("8 kB", "12 kB", "8 kB")


def test_what_fails_says_why_and_can_be_asked_for_again(visit, stage):
    page = visit()
    stage.may_answer.set()
    page.get_by_role("button", name="Make webm").click()
    wait_for(page, "webm", "Making")
    assert stage.asked == []  # one after the other: the video is on its way
    press(page, "film")
    page.locator(".note.offered").wait_for()
    assert page.locator(".note.offered").inner_text() == "This machine cannot draw: use the PNG pictures."
    page.get_by_role("button", name="Make webm").click()
    page.locator(".note.offered").wait_for()
    assert set(stage.asked) == {"webm"}


def test_what_is_stopped_is_offered_again(visit):
    page = visit()
    page.get_by_role("button", name="Make webm").click()
    page.get_by_role("button", name="stop", exact=True).click()
    page.locator("tr:has-text('Stopped.')").nth(1).wait_for()
    assert [state(page, kind) for kind in ("mp4", "webm", "srt", "glb")] == ["Make", "Make", "", "8 kB"]
    assert page.locator("#downloads .news").inner_text() == "Stopped."
    press(page, "film")  # a file that was done all the same is welcome
    wait_for(page, "mp4", "8 kB")


def test_a_new_take_clears_the_list(visit):
    page = visit()
    press(page, "edit")
    page.wait_for_function("document.querySelectorAll('.kind').length === 1")
    assert state(page, "glb") == "9 kB"
    press(page, "clear")
    page.locator(".downloads").wait_for(state="hidden")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1200])
def test_everybody_can_use_it(visit, node_modules, theme, width):
    page = visit(theme, width)
    page.add_script_tag(path=node_modules / "axe-core" / "axe.min.js")
    violations = page.evaluate("axe.run('#downloads').then((found) => found.violations)")
    assert [(item["id"], item["nodes"][0]["html"]) for item in violations] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    heights = page.evaluate("[...document.querySelectorAll('.get')].map((each) => each.offsetHeight)")
    assert min(heights) >= 44
    assert page.get_by_role("table", name="Files of this run").count() == 1
    assert page.get_by_role("rowheader", name="csv 52 ARKit weights").count() == 1
