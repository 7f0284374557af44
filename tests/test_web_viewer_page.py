"""The 3D view in Chromium: what it shows when, and that it shows what kmtalk computes."""

import base64
import io
import shutil

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from kmtalk.audio import save_audio
from kmtalk.face import load_face
from kmtalk.motion import Animation, Motion
from kmtalk.render import still
from kmtalk.render.surface import make_surface
from kmtalk.web.viewer import Viewer, choose, viewer_data, viewer_faces

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")

PATIENCE = 120_000  # ms; machines differ, and a shared one can be slow
FPS, FRAMES = 25.0, 500  # longer than a slow machine takes for what happens while it plays
ROOT = "document.querySelector('#viewer .viewer')"
SOUND = f"{ROOT}.querySelector('audio')"
VIDEO = "document.querySelector('#kmtalk-video video')"


@pytest.fixture(scope="module")
def animation(face):
    """Twenty seconds in which shapes and head move."""
    time = np.arange(FRAMES)[:, None] / FPS
    random = np.random.default_rng(0)
    weights = 0.25 + 0.25 * np.sin(2 * np.pi * (time * random.uniform(0.3, 2, 54) + random.uniform(0, 1, 54)))
    weights *= random.uniform(0, 1, 54) > 0.6
    head_pose = np.sin(time * random.uniform(1, 3, 6)) * [0.1, 0.15, 0.05, 0.004, 0.003, 0.002]
    weights, head_pose = weights.astype(np.float32), head_pose.astype(np.float32)
    return Animation(
        audio=(0.1 * np.sin(np.arange(int(16000 * FRAMES / FPS)) * 0.1)).astype(np.float32),
        face=face,
        motion=Motion(weights, face.basis_names, FPS, head_pose),
        phonemes=(),
        key_frames=np.array([0, FRAMES - 1]),
        key_motions=weights[[0, -1]],
    )


@pytest.fixture(scope="module")
def url(animation, tmp_path_factory):
    """A page with a viewer, a place for a video, and the ways in which the real page changes them."""
    folder = tmp_path_factory.mktemp("viewer")
    faces = viewer_faces({"ari": animation.face, "ben": load_face("ben")}, folder)
    sound = save_audio(folder / "sound.wav", animation.audio)
    stiller = Animation(**(vars(animation) | {"motion": Motion(animation.weights * 0, (), FPS, np.zeros((FRAMES, 6)))}))
    gr.set_static_paths([folder])
    takes = iter(range(1000))
    with gr.Blocks(analytics_enabled=False) as blocks:
        viewer = Viewer(viewer_data(faces, "ari"), hint="Press Animate", elem_id="viewer")
        gr.HTML("<video controls></video>", elem_id="kmtalk-video")
        animate = gr.Button("Animate")
        animate.click(lambda: viewer_data(faces, "ari", animation, sound, take=str(next(takes))), outputs=viewer)
        edit = gr.Button("Edit")
        edit.click(
            lambda now: viewer_data(faces, now.identity, stiller, sound, take=now.take, camera=now.camera),
            viewer,
            viewer,
        )
        gr.Button("Empty").click(lambda: None, outputs=viewer)
        for field, choices in {
            "identity": ["ari", "ben"],
            "camera": ["front", "three-quarter", "close"],
            "background": ["studio", "#ff0000", "transparent"],
        }.items():
            choice = gr.Radio(choices, value=choices[0], label=field)
            choice.change(None, [choice, viewer], viewer, js=choose(field))
        gr.Markdown("room to scroll\n\n" * 40)
    _, address, _ = blocks.launch(prevent_thread_lock=True, quiet=True)
    yield address
    blocks.close(verbose=False)


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def visit(browser, url):
    """Opens pages; in the end none may have logged an error or asked another host for anything."""
    complaints = []

    def visit(script="", shown=True, **options):
        options = {"viewport": {"width": 900, "height": 700}, "reduced_motion": "reduce"} | options
        page = browser.new_context(**options).new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
        page.on(
            "request",
            lambda request: request.url.startswith((url, "data:", "blob:")) or complaints.append(request.url),
        )
        if script:
            page.add_init_script(script)
        page.goto(url)
        page.wait_for_selector("#viewer .viewer:not(.empty)" if shown else "#viewer .viewer", state="attached")
        return page

    yield visit
    assert complaints == []


@pytest.fixture(scope="module")
def still_page(visit):
    """A page whose viewer has a motion and stands still, because its visitor asked for reduced motion."""
    page = visit()
    animate(page)
    return page


@pytest.fixture
def page(still_page):
    """The same page at the first frame of the motion, in skin, from the front."""
    still_page.evaluate(f"{SOUND}.pause()")
    animate(still_page)
    for label in ("Clay", "Wireframe"):
        if still_page.get_by_role("button", name=label, pressed=True).count():
            still_page.get_by_role("button", name=label).click()
    for choice in ("ari", "front", "studio"):
        still_page.get_by_label(choice, exact=True).check()
    still_page.get_by_role("button", name="Reset view").click()
    settle(still_page, f"{ROOT}.dataset.frame === '0' && {ROOT}.inspect.view().camera.azimuth === 0")
    return still_page


def animate(page):
    page.get_by_role("button", name="Animate").click()
    settle(page, f"!{ROOT}.classList.contains('resting') && {SOUND}.readyState > 0")


def settle(page, condition):
    page.wait_for_function(condition)


def slider(page):
    return page.get_by_role("slider", name="Position in the 3D view")


def seek(page, frame):
    slider(page).fill(str(frame))
    settle(page, f"{ROOT}.dataset.frame === '{frame}'")


def positions(page, frame):
    packed = page.evaluate(
        f"""() => {{
            const bytes = new Uint8Array({ROOT}.inspect.positions({frame}).buffer);
            return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
        }}"""
    )
    return np.frombuffer(base64.b64decode(packed), np.float32).reshape(-1, 3)


def picture(page):
    address = page.evaluate(f"{ROOT}.inspect.picture()")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))))


def camera(page):
    return page.evaluate(f"{ROOT}.inspect.view().camera")


def test_a_visitor_meets_a_face_at_rest(visit):
    page = visit()
    assert page.get_by_text("Press Animate").is_visible()
    assert page.get_by_role("application", name="Face in 3D").is_visible()
    assert not slider(page).is_visible()
    assert picture(page)[:, :, :3].std() > 20
    page.context.close()


def test_the_browser_computes_the_vertices_that_kmtalk_computes(page, animation):
    surface = make_surface(animation.face)
    for frame in (0, 17, 42, FRAMES - 1):
        expected, _ = surface.pose(animation.weights[frame], animation.motion.head_pose[frame])
        assert np.abs(positions(page, frame) - expected).max() < 1e-4


def test_the_frame_shown_is_that_of_the_moment(page):
    for frame in (1, 31, 58, FRAMES - 1):
        seek(page, frame)
        settle(page, f"!{SOUND}.seeking")
        assert int(page.evaluate(f"{SOUND}.currentTime") * FPS) == frame
    slider(page).press("ArrowLeft")
    settle(page, f"{ROOT}.dataset.frame === '{FRAMES - 2}'")
    page.get_by_role("application").press("Space")  # from the last frames it plays to the end
    settle(page, f"{SOUND}.ended && {ROOT}.dataset.frame === '{FRAMES - 1}'")


def test_the_viewer_and_the_video_look_the_same(page, animation):
    page.add_style_tag(content="#viewer .viewer { width: 256px !important; height: 256px !important }")
    settle(page, f"{ROOT}.querySelector('canvas').clientWidth === 256")
    seek(page, 42)
    for look in ("skin", "clay"):
        if look == "clay":
            page.get_by_role("button", name="Clay").click()
        for angle in ("three-quarter", "front"):
            page.get_by_label(angle, exact=True).check()
            settle(page, f"({ROOT}.inspect.view().camera.azimuth > 20) === {str(angle != 'front').lower()}")
            weights, head_pose = animation.weights[42], animation.motion.head_pose[42]
            filmed = still(animation.face, weights, head_pose, size=256, camera=angle, look=look)
            difference = np.abs(picture(page)[:, :, :3].astype(int) - filmed)
            assert difference.mean() < 1.5
            assert np.percentile(difference, 97) <= 8  # but for edges, which each graphics library smooths in its way
    page.add_style_tag(content="#viewer .viewer { width: auto !important; height: 400px !important }")


def test_the_sound_moves_the_face_and_so_does_the_video(page):
    page.evaluate(f"{SOUND}.play()")
    settle(page, f"Number({ROOT}.dataset.frame) > 5")
    page.evaluate(f"{SOUND}.pause()")
    settle(page, f"Number({ROOT}.dataset.frame) === Math.floor({SOUND}.currentTime * {FPS} + 0.01)")
    page.evaluate(f"{VIDEO}.src = {SOUND}.src")
    settle(page, f"{VIDEO}.readyState >= 3")
    page.evaluate(f"{VIDEO}.currentTime = 2")
    settle(page, f"{ROOT}.dataset.frame === '50'")
    page.get_by_role("button", name="Play").click()
    settle(page, f"!{VIDEO}.paused && {SOUND}.paused && Number({ROOT}.dataset.frame) > 52")
    page.get_by_role("button", name="Pause").click()
    settle(page, f"{VIDEO}.paused")
    page.evaluate(f"{VIDEO}.removeAttribute('src'); {VIDEO}.load()")


def test_an_edit_changes_the_motion_and_neither_camera_nor_moment(page, animation):
    seek(page, 42)
    page.get_by_role("application").press("ArrowLeft")
    turned = camera(page)
    source = page.evaluate(f"{SOUND}.src")
    page.get_by_role("button", name="Edit").click()
    rest, _ = make_surface(animation.face).pose(np.zeros(54))
    settle(page, f"Math.abs({ROOT}.inspect.positions(42)[3001] - {rest.ravel()[3001]}) < 1e-4")
    assert np.abs(positions(page, 42) - rest).max() < 1e-4
    assert camera(page) == turned
    assert page.evaluate(f"[{ROOT}.dataset.frame, {SOUND}.paused, {SOUND}.src]") == ["42", True, source]


def test_another_face_takes_over_the_motion_in_the_page_alone(page, animation):
    seek(page, 42)
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.get_by_label("ben").check()
    surface = make_surface(load_face("ben"))
    expected, _ = surface.pose(animation.weights[42], animation.motion.head_pose[42])
    settle(page, f"Math.abs({ROOT}.inspect.positions(42)[3001] - {expected.ravel()[3001]}) < 1e-4")
    assert np.abs(positions(page, 42) - expected).max() < 1e-4
    assert not [address for address in requests if "queue" in address or "/run/" in address]


def test_background_and_camera_follow_the_page(page):
    page.get_by_label("#ff0000").check()
    settle(page, f"{ROOT}.inspect.view().backdrop[0].join() === '1,0,0'")
    assert picture(page)[5, 5, :3].tolist() == pytest.approx([255, 0, 0], abs=1)
    page.get_by_label("transparent").check()
    page.wait_for_function(f"{ROOT}.classList.contains('clear')")
    assert picture(page)[5, 5, 3] == 0
    page.get_by_label("close", exact=True).check()
    settle(page, f"{ROOT}.inspect.view().camera.fieldOfView === 9")


def test_mouse_and_keys_turn_and_zoom(page):
    canvas = page.get_by_role("application")
    for key, name, expected in (
        ("ArrowRight", "azimuth", 5),
        ("ArrowUp", "elevation", 7),
        ("+", "distance", 1.1 / 1.15),
        ("0", "azimuth", 0),
    ):
        canvas.press(key)
        assert camera(page)[name] == pytest.approx(expected)
    page.mouse.move(300, 200)
    page.mouse.down()
    page.mouse.move(350, 220, steps=4)
    page.mouse.up()
    assert camera(page)["azimuth"] == pytest.approx(-20)
    assert camera(page)["elevation"] == pytest.approx(10)
    page.get_by_role("button", name="Reset view").click()
    assert camera(page)["azimuth"] == 0


def test_the_page_scrolls_past_and_the_wheel_zooms_after_a_click(page):
    page.mouse.move(300, 650)
    page.evaluate("scrollTo(0, 0)")
    page.mouse.move(300, 200)
    page.mouse.wheel(0, 100)
    settle(page, "scrollY > 50")
    assert camera(page)["distance"] == 1.1
    page.evaluate("scrollTo(0, 0)")
    settle(page, "scrollY === 0")
    page.mouse.click(300, 200)
    page.mouse.wheel(0, -100)
    settle(page, f"{ROOT}.inspect.view().camera.distance < 1")
    assert page.evaluate("scrollY") == 0


def test_wireframe_and_mute(page):
    skin = picture(page).astype(int)
    page.get_by_role("button", name="Wireframe").click()
    wires = picture(page).astype(int)
    assert np.abs(wires - skin).mean() > 5
    assert page.get_by_role("button", name="Wireframe", pressed=True).count() == 1
    page.get_by_role("button", name="Mute").click()
    assert page.evaluate(f"{SOUND}.muted")
    page.get_by_role("button", name="Mute").click()
    assert not page.evaluate(f"{SOUND}.muted")


def test_it_fills_the_screen_and_gives_it_back(page):
    page.get_by_role("button", name="Full screen").click()
    settle(page, f"document.fullscreenElement === {ROOT} && {ROOT}.inspect.view().height > 650")
    page.get_by_role("button", name="Full screen", pressed=True).click()
    settle(page, "!document.fullscreenElement")
    page.get_by_role("button", name="Full screen", pressed=False).wait_for()


def test_without_a_value_the_face_rests(page):
    page.get_by_role("button", name="Empty").click()
    settle(page, f"{ROOT}.classList.contains('resting') && !{SOUND}.hasAttribute('src')")
    assert picture(page)[:, :, :3].std() > 20


def test_the_view_comes_back_after_the_graphics_card_was_lost(page):
    page.evaluate(
        f"""() => {{
            globalThis.card = {ROOT}.querySelector("canvas").getContext("webgl2").getExtension("WEBGL_lose_context");
            card.loseContext();
        }}"""
    )
    settle(page, f"!{ROOT}.querySelector('.notice').hidden")
    page.evaluate("card.restoreContext()")
    settle(page, f"{ROOT}.querySelector('.notice').hidden")
    assert picture(page)[:, :, :3].std() > 20


def test_it_plays_by_itself_after_animate(visit):
    page = visit(reduced_motion="no-preference")
    animate(page)
    settle(page, f"!{SOUND}.paused && Number({ROOT}.dataset.frame) > 3")
    assert page.get_by_role("button", name="Pause").is_visible()
    page.context.close()


def test_where_the_browser_wants_a_click_there_is_a_large_button(visit):
    refuse = "HTMLMediaElement.prototype.play = async () => { throw new DOMException('no', 'NotAllowedError') }"
    page = visit(f"globalThis.allowed = HTMLMediaElement.prototype.play; {refuse}", reduced_motion="no-preference")
    animate(page)
    start = page.locator("#viewer .start")
    start.wait_for(state="visible")
    page.evaluate("() => { HTMLMediaElement.prototype.play = allowed }")
    start.click()
    settle(page, f"!{SOUND}.paused")
    start.wait_for(state="hidden")
    page.context.close()


def test_reduced_motion_waits_for_the_visitor(page):
    assert page.evaluate(f"{SOUND}.paused")
    assert page.locator("#viewer .start").is_visible()


def test_without_webgl_there_is_a_sentence_and_the_sound(visit):
    page = visit("HTMLCanvasElement.prototype.getContext = () => null", shown=False)
    page.get_by_text("cannot show 3D").wait_for()
    animate(page)
    page.get_by_role("button", name="Play").last.click()
    settle(page, f"!{SOUND}.paused")
    assert not page.get_by_role("button", name="Wireframe").is_visible()
    page.context.close()


def test_it_fits_a_phone_and_obeys_fingers(visit):
    page = visit(viewport={"width": 390, "height": 844}, has_touch=True, device_scale_factor=3)
    animate(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    box = page.locator("#viewer .bar").bounding_box()
    for button in page.locator("#viewer .bar button").all():
        place = button.bounding_box()
        assert place["x"] >= box["x"] and place["x"] + place["width"] <= box["x"] + box["width"] + 0.5
    width, across = page.evaluate(f"[{ROOT}.querySelector('canvas').width, {ROOT}.querySelector('canvas').clientWidth]")
    assert width <= 2 * across  # more pixels than that nobody sees
    touch = page.context.new_cdp_session(page)
    fingers = [[{"x": 150, "y": 200}, {"x": 250, "y": 200}], [{"x": 100, "y": 200}, {"x": 300, "y": 200}]]
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": fingers[0]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": fingers[1]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    settle(page, f"{ROOT}.inspect.view().camera.distance < 1.1")
    page.context.close()
