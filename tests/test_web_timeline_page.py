"""The timeline as an editor, in Chromium, on a page with nothing else."""

import json
import shutil
import threading

import gradio as gr
import numpy as np
import pytest

from kmtalk.animate import animate
from kmtalk.edits import apply_edits
from kmtalk.web import page as pages
from kmtalk.web.timeline import Timeline, timeline_data

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")

PATIENCE = 60_000  # ms
KEYS = np.array([0, 10, 15, 20, 25, 35, 50, 74])
HARMLESS = ("Failed to load resource",)


class Host:
    """A page with a timeline and one handler, which remembers what it was asked and answers as it is told."""

    def __init__(self, animation, model):
        self.animation, self.model = animation, model
        self.asked, self.fails, self.gate, self.recordings = [], False, threading.Event(), 0
        self.gate.set()
        with gr.Blocks(analytics_enabled=False) as self.blocks:
            fresh = gr.Button("Another recording")
            again = gr.Button("The same recording")
            self.timeline = Timeline(elem_id="timeline")
            fresh.click(self.another, outputs=self.timeline, show_progress="hidden")
            again.click(lambda: timeline_data(animation), outputs=self.timeline, show_progress="hidden")
            done = self.timeline.complete(self.complete, outputs=self.timeline, show_progress="hidden")
            for last in (done.success, done.failure):
                last(None, js=Timeline.RESTED)

    def another(self):
        self.recordings += 1
        return timeline_data(self.animation).model_copy(update={"recording": f"recording {self.recordings}"})

    def complete(self, event: gr.EventData):
        self.asked.append(event.edits)
        self.gate.wait()
        if self.fails:
            raise gr.Error("Nothing works today.", print_exception=False)
        edited = apply_edits(self.animation, self.model, event.edits, seed=None)
        name = f"recording {self.recordings}"
        return timeline_data(edited, self.animation).model_copy(update={"recording": name})


@pytest.fixture(scope="module")
def host(tiny_model, voice):
    host = Host(animate((voice, 16000), model=tiny_model, keys=KEYS, life=False), tiny_model)
    style = ".gradio-container { width: 100% }"
    _, host.url, _ = host.blocks.launch(theme=pages.theme(), css=style, prevent_thread_lock=True, quiet=True)
    yield host
    host.gate.set()
    host.blocks.close(verbose=False)


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-background-networking", "--disable-component-update"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def visit(browser, host):
    """Opens pages; in the end none may have logged an error."""
    complaints = []

    def visit(query="", **options):
        page = browser.new_context(**({"viewport": {"width": 1100, "height": 1000}} | options)).new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
        page.goto(host.url + query)
        load(page)
        return page

    yield visit
    assert [text for text in complaints if not text.startswith(HARMLESS)] == []


@pytest.fixture(scope="module")
def desk(visit):
    return visit()


@pytest.fixture
def page(desk, host):
    """The desk's page with a new recording."""
    host.fails = False
    host.asked.clear()
    load(desk)
    return desk


def load(page):
    """Show a recording that the page has not had yet."""
    marker = "document.querySelector('#timeline .drawing')"
    page.evaluate(f"{marker}?.querySelector('.marks')?.classList.add('old')")
    page.get_by_role("button", name="Another recording").click()
    page.wait_for_function(f"{marker}.querySelector('.marks:not(.old) .phoneme')")
    page.wait_for_function(f"!{marker}.querySelector('.edited')")


def slider(page):
    return page.get_by_role("slider", name="Position in the recording")


def press(page, *keys):
    slider(page).focus()
    for key in keys:
        page.keyboard.press(key)


def key_frames(page):
    titles = page.locator("#timeline .key-frame title").all_text_contents()
    return [int(title.rpartition(" ")[2]) for title in titles]


def phonemes(page):
    """Label, start and end of each, as the table for readers tells them."""
    rows = page.locator("#timeline tbody tr").all()
    cells = [row.locator("td").all_text_contents() for row in rows]
    return [(label, float(start), float(end)) for label, start, end in cells]


def said(page):
    return page.locator("#timeline .said").inner_text()


def saved(page):
    """The edits, as the button Save writes them."""
    with page.expect_download() as download:
        page.get_by_role("button", name="Save").click()
    return json.loads(download.value.path().read_text())


def place(page, frame, row):
    """Where a frame is on the screen: row is its height in the drawing."""
    box = page.locator("#timeline .drawing").bounding_box()
    width = float(page.locator("#timeline .drawing").get_attribute("width"))
    return box["x"] + frame / 25 / 3.0 * width, box["y"] + row


def drag(page, start, end):
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, end[1])
    page.mouse.move(*end)
    page.mouse.up()


SOUND, PHONEMES, DIAMONDS = 50, 92, 122


def test_keys_select_move_add_delete_undo_and_redo(page):
    assert key_frames(page) == KEYS.tolist()
    press(page, "Home", "Shift+ArrowRight", "Alt+ArrowRight", "Alt+ArrowRight")
    assert key_frames(page)[1] == 12 and said(page) == "Key frame moved from frame 11 to 12"
    assert "frame 12, key frame 2 of 8" in slider(page).get_attribute("aria-valuetext")
    press(page, "Alt+ArrowRight", "Alt+ArrowRight", "Alt+ArrowRight")
    assert key_frames(page)[1] == 14 and "neighbours" in said(page)
    press(page, "End", "ArrowLeft", "ArrowLeft", "ArrowLeft", "ArrowLeft", "k")
    assert key_frames(page)[-2:] == [70, 74] and said(page) == "Key frame added at frame 70"
    press(page, "Delete")
    assert key_frames(page)[-2:] == [50, 74]
    assert saved(page) == [
        {"do": "move key", "frame": 10, "to": 14},
        {"do": "add key", "frame": 70},
        {"do": "delete key", "frame": 70},
    ]
    press(page, "Control+z")
    assert key_frames(page)[-2:] == [70, 74] and said(page) == "Undone; 2 edits left"
    press(page, *["Control+z"] * 5)
    assert key_frames(page) == KEYS.tolist() and page.get_by_role("button", name="Undo").is_disabled()
    press(page, "Control+Shift+z")
    assert key_frames(page)[1] == 11
    press(page, *["Control+y"] * 5)
    assert key_frames(page)[1] == 14 and page.get_by_role("button", name="Redo").is_disabled()


def test_undo_keys_work_only_within_the_timeline(page):
    press(page, "Home", "ArrowRight", "k")
    page.get_by_role("button", name="The same recording").focus()
    page.keyboard.press("Control+z")
    assert 1 in key_frames(page)
    page.get_by_role("button", name="Undo").focus()
    page.keyboard.press("Control+z")
    assert 1 not in key_frames(page)


def test_the_first_and_the_last_key_stay(page):
    press(page, "Home", "Shift+ArrowRight", "Shift+ArrowLeft", "Delete")
    assert key_frames(page) == KEYS.tolist() and "first and the last key cannot be deleted" in said(page)
    assert page.get_by_role("button", name="Delete key").is_disabled()
    drag(page, place(page, 0, DIAMONDS), place(page, 4, DIAMONDS))
    assert key_frames(page) == KEYS.tolist()


def test_the_mouse_moves_adds_and_selects_keys(page):
    drag(page, place(page, 20, DIAMONDS), place(page, 22, DIAMONDS))
    assert key_frames(page)[3] == 22 and "frame 22" in page.locator("#timeline .readout").inner_text()
    assert page.locator("#timeline .ghost").count() == 1
    assert page.locator("#timeline .key-frame.edited.pending").count() == 1
    drag(page, place(page, 22, DIAMONDS), place(page, 40, DIAMONDS))  # no further than its neighbour
    assert key_frames(page)[3:5] == [24, 25]
    page.mouse.dblclick(*place(page, 60.4, SOUND))
    assert key_frames(page)[-2:] == [60, 74]
    page.mouse.click(*place(page, 35, DIAMONDS))
    assert page.locator("#timeline .key-panel .title").inner_text() == "Key frame 6 of 9"
    page.get_by_role("button", name="Delete key").click()
    assert 35 not in key_frames(page)
    assert slider(page).evaluate("(node) => node === document.activeElement")  # not lost with the button
    assert saved(page) == [
        {"do": "move key", "frame": 20, "to": 24},
        {"do": "add key", "frame": 60},
        {"do": "delete key", "frame": 35},
    ]
    page.get_by_role("button", name="Reset all").click()
    assert key_frames(page) == KEYS.tolist() and page.locator("#timeline .stale").is_hidden()
    page.get_by_role("button", name="Undo").click()
    assert 60 in key_frames(page)


def test_escape_gives_a_dragged_key_back(page):
    page.mouse.move(*place(page, 35, DIAMONDS))
    page.mouse.down()
    page.mouse.move(*place(page, 40, DIAMONDS))
    assert 40 in key_frames(page)
    page.keyboard.press("Escape")
    assert key_frames(page) == KEYS.tolist()
    page.mouse.up()
    assert key_frames(page) == KEYS.tolist()


def test_handles_shape_a_key(page):
    press(page, "Home", "Shift+ArrowRight")
    jaw = page.get_by_role("slider", name="Jaw", exact=True)
    jaw.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.get_by_label("Jaw as a number").input_value() == "0.1"
    page.get_by_label("Lips closed as a number").fill("7")
    page.get_by_label("Lips closed as a number").press("Enter")
    assert page.get_by_role("slider", name="Lips closed", exact=True).input_value() == "1"
    shape = {"do": "shape key", "frame": 10, "jaw": 0.1, "round": 0, "closed": 1, "strength": 1}
    assert saved(page) == [shape]
    page.get_by_role("button", name="Reset Jaw").click()
    assert saved(page) == [shape | {"jaw": 0}]
    press(page, "Control+z")
    assert jaw.input_value() == "0.1"
    box = page.get_by_role("slider", name="Strength", exact=True).bounding_box()
    middle = box["y"] + box["height"] / 2
    drag(page, (box["x"] + box["width"] / 2, middle), (box["x"] + box["width"] - 2, middle))
    assert saved(page) == [shape | {"strength": 2}]
    press(page, "Control+z")
    assert saved(page) == [shape]  # a drag is one step
    page.get_by_role("button", name="Reset key").click()
    assert page.get_by_role("button", name="Save").is_disabled()
    assert page.locator("#timeline .edited").count() == 0


def test_a_frame_can_be_typed(page):
    press(page, "Home", "Shift+ArrowRight")
    page.get_by_label("Frame", exact=True).fill("13")
    page.get_by_label("Frame", exact=True).press("Enter")
    assert key_frames(page)[1] == 13
    page.get_by_label("Frame", exact=True).fill("90")
    page.get_by_label("Frame", exact=True).press("Enter")
    assert key_frames(page)[1] == 13 and "not a frame" in said(page)
    assert page.get_by_label("Frame", exact=True).input_value() == "13"
    page.get_by_role("button", name="Next key frame").click()
    assert page.get_by_label("Frame", exact=True).input_value() == "15"


def longest(phonemes):
    """Which phoneme, neither the first nor the last, is the longest."""
    return max(range(1, len(phonemes) - 1), key=lambda one: phonemes[one][2] - phonemes[one][1])


def test_phonemes_are_relabelled_and_retimed(page):
    before = phonemes(page)
    index = longest(before[1:])  # the one before the longest, which has room to give
    middle = sum(before[index][1:]) / 2
    page.mouse.click(*place(page, middle * 25, PHONEMES))
    assert page.locator("#timeline .phoneme-panel .title").inner_text() == f"Phoneme {index + 1} of {len(before)}"
    label = "EH" if before[index][0] != "EH" else "IH"
    page.get_by_label("Sound").select_option(label)
    assert phonemes(page)[index][0] == label
    assert page.get_by_label("Sound").locator("option").count() == 40
    end = round(before[index][2] + 0.02, 2)
    page.get_by_label("End").fill(str(end))
    page.get_by_label("End").press("Enter")
    assert phonemes(page)[index][2] == phonemes(page)[index + 1][1] == pytest.approx(end, abs=0.005)
    assert [edit["do"] for edit in saved(page)] == ["relabel", "retime"]
    page.get_by_role("button", name="Next phoneme").click()
    assert page.get_by_label("Start").input_value() == f"{end:.2f}"


def test_an_edge_of_the_selected_phoneme_is_dragged(page):
    before = phonemes(page)
    index = longest(before)
    label, start, end = before[index]
    press(page, "Home")
    page.mouse.click(*place(page, (start + end) / 2 * 25, PHONEMES))
    x, y = place(page, end * 25, PHONEMES)
    pixels = place(page, 1, 0)[0] - place(page, 0, 0)[0]
    drag(page, (x + 2, y), (x + 2 - pixels, y))  # 40 ms earlier
    after = phonemes(page)
    assert after[index] == (label, start, pytest.approx(end - 0.04, abs=0.011))
    assert after[index + 1][1] == after[index][2]
    (edit,) = saved(page)
    assert (edit["do"], edit["phoneme"]) == ("retime", index)
    assert edit["end"] == pytest.approx(round(edit["end"], 2))


def test_keys_select_phonemes_and_nothing(page):
    press(page, "Home", "p")
    assert page.locator("#timeline .phoneme-panel .title").inner_text().startswith("Phoneme 1 of")
    press(page, "Escape")
    assert page.locator("#timeline .nothing").is_visible() and page.locator("#timeline .phoneme-panel").is_hidden()
    press(page, "Delete")
    assert said(page) == "Select a key frame to delete it"


def complete(page):
    page.get_by_role("button", name="Complete again").click()
    page.wait_for_selector("#timeline .stale", state="hidden")


def test_complete_again_asks_python_and_keeps_the_place(page, host):
    page.get_by_role("button", name="Zoom in").click()
    page.get_by_role("button", name="Zoom in").click()
    press(page, "Home", *["Shift+ArrowRight"] * 4, "Alt+ArrowRight", "k", "ArrowRight")
    scroller = "document.querySelector('#timeline .scroller')"
    page.evaluate(f"{scroller}.scrollLeft = 140")
    state = (
        "[document.querySelector('#timeline .drawing').getAttribute('width'), "
        f"{scroller}.scrollLeft, document.querySelector('#timeline .title').textContent, "
        "document.querySelector('#timeline [role=slider]').getAttribute('aria-valuenow')]"
    )
    before, keys = page.evaluate(state), key_frames(page)
    assert page.locator("#timeline .unedited").count() == 0
    assert page.get_by_role("button", name="Complete again 1").is_visible()
    assert page.get_by_text("Motion is out of date").is_visible()
    press(page, "Enter")
    page.wait_for_selector("#timeline .stale", state="hidden")
    assert host.asked == [[{"do": "move key", "frame": 25, "to": 26}]]
    assert page.evaluate(state) == before and key_frames(page) == keys
    assert said(page) == "The motion goes through all edits now"
    assert page.locator("#timeline .unedited").count() == 1 and page.locator("#timeline .ghost").count() == 0
    assert page.locator("#timeline .key-frame.edited:not(.pending)").count() == 1
    assert page.get_by_role("button", name="Complete again").is_disabled()
    press(page, "Control+z")
    assert page.get_by_role("button", name="Complete again 1").is_visible() and key_frames(page) == KEYS.tolist()
    complete(page)
    assert host.asked[1:] == [[]] and page.locator("#timeline .unedited").count() == 0


def test_while_completing_the_button_says_so_and_edits_go_on(page, host):
    press(page, "Home", "ArrowRight", "k")
    host.gate.clear()
    page.get_by_role("button", name="Complete again").click()
    assert page.get_by_role("button", name="Completing…").is_disabled()
    press(page, "ArrowRight", "k", "Enter")
    host.gate.set()
    page.get_by_role("button", name="Complete again 1").wait_for()
    assert host.asked == [[{"do": "add key", "frame": 1}]]
    assert key_frames(page)[:3] == [0, 1, 2]


def test_after_a_failure_it_can_be_tried_again(page, host):
    host.fails = True
    press(page, "Home", "ArrowRight", "k", "Enter")
    page.get_by_text("The motion could not be completed; your edits are kept, try again").wait_for()
    host.fails = False
    complete(page)
    assert len(host.asked) == 2 and key_frames(page)[1] == 1


def test_another_recording_starts_fresh(page):
    press(page, "Home", "ArrowRight", "k", "+", "+")
    load(page)
    assert key_frames(page) == KEYS.tolist() and page.locator("#timeline .nothing").is_visible()
    assert page.get_by_role("button", name="Undo").is_disabled()
    assert slider(page).get_attribute("aria-valuenow") == "0.00"


def test_edits_are_saved_and_taken_up_again(page, tmp_path):
    press(page, "Home", "Shift+ArrowRight", "Alt+ArrowRight", "ArrowRight", "k")
    edits = saved(page)
    path = tmp_path / "edits.json"
    path.write_text(json.dumps(edits))
    load(page)
    choose(page, path)
    page.get_by_text("2 edits loaded from edits.json").wait_for()
    assert saved(page) == edits and key_frames(page)[1:3] == [11, 12]
    press(page, "Control+z")
    assert key_frames(page) == KEYS.tolist()


def choose(page, path):
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Load").click()
    chooser.value.set_files(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not JSON", "it is not JSON"),
        ('{"edits": []}', "it is not a list"),
        (
            '[{"do": "add key", "frame": 1}, {"do": "add key", "frame": 900}]',
            "Edit 2 cannot be used: 900 is not a frame",
        ),
    ],
)
def test_a_bad_file_gets_a_sentence(page, tmp_path, text, message):
    path = tmp_path / "bad.json"
    path.write_text(text)
    choose(page, path)
    page.locator("#timeline .said.wrong", has_text=message).wait_for()
    assert key_frames(page) == KEYS.tolist()


def test_on_a_phone_fingers_select_and_drag(visit):
    page = visit(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    page.locator("#timeline .surface").scroll_into_view_if_needed()
    page.touchscreen.tap(*place(page, 25.3, DIAMONDS))
    assert page.get_by_label("Frame", exact=True).input_value() == "25"
    finger(page, place(page, 25, DIAMONDS), place(page, 28, DIAMONDS))
    assert key_frames(page)[4] == 28
    page.touchscreen.tap(*place(page, 4, PHONEMES))
    assert page.locator("#timeline .phoneme-panel").is_visible()
    page.touchscreen.tap(*place(page, 15, SOUND))
    assert float(slider(page).get_attribute("aria-valuenow")) == pytest.approx(0.6, abs=0.03)
    page.touchscreen.tap(*place(page, 28, DIAMONDS))
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    controls = page.locator("#timeline :is(button, input, select, summary, .handle):visible")
    sizes = [(box["width"], box["height"], name) for box, name in boxes(controls)]
    assert len(sizes) > 20 and min(sizes)[0] >= 24 and [size for size in sizes if size[1] < 24] == []
    page.context.close()


def boxes(controls):
    return [(control.bounding_box(), control.evaluate("(node) => node.outerHTML")) for control in controls.all()]


def finger(page, start, end):
    session = page.context.new_cdp_session(page)
    points = [start, ((start[0] + end[0]) / 2, end[1]), end]
    for kind, point in zip(("touchStart", "touchMove", "touchMove"), points, strict=True):
        places = [{"x": point[0], "y": point[1]}]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(visit, node_modules, theme):
    page = visit(f"?__theme={theme}")
    page.locator("summary").click()
    page.add_script_tag(path=node_modules / "axe-core" / "axe.min.js")
    press(page, "Home", "Shift+ArrowRight", "Alt+ArrowRight")
    check(page)
    press(page, "p")
    check(page)
    press(page, "Escape", "Delete")  # a complaint is shown
    check(page)
    page.context.close()


def check(page):
    found = page.evaluate("axe.run('#timeline', { resultTypes: ['violations'] })")
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]] == []
