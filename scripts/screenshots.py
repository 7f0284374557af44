"""Photograph the page for the README with headless Chromium: python scripts/screenshots.py [FOLDER]"""

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import app
from kmtalk.animate import load_model
from kmtalk.assets import asset

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DESK = {"viewport": {"width": 1280, "height": 1228}}
PHONE = {"viewport": {"width": 390, "height": 1400}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}


def main() -> None:
    """Save page.jpg, page-dark.jpg and page-phone.jpg; the first is the README's."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else asset("examples")
    if CHROMIUM is None:
        raise SystemExit("chromium is not installed")
    blocks = app.build(load_model())
    _, url, _ = app.launch(blocks, prevent_thread_lock=True, quiet=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name, theme, options in (
            ("page", "light", DESK),
            ("page-dark", "dark", DESK),
            ("page-phone", "light", PHONE),
        ):
            page = browser.new_context(reduced_motion="reduce", **options).new_page()
            page.set_default_timeout(120_000)
            page.goto(f"{url}?__theme={theme}")
            show_an_edit(page)
            picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            picture.save(folder / f"{name}.jpg", quality=82, optimize=True)
        browser.close()
    blocks.close(verbose=False)


def show_an_edit(page: Page) -> None:
    """Animate an example, select a key frame in it and open its mouth."""
    page.wait_for_selector("#kmtalk-viewer .viewer:not(.empty)")
    page.set_input_files("#recording input[type=file]", str(asset("examples", "bubbles.wav")))
    page.wait_for_selector("#recording [data-testid^=waveform]")
    page.click("#animate")
    page.wait_for_selector("#downloads a.get")
    page.click("#stop")
    page.get_by_role("slider", name="Position in the recording").focus()
    for _ in range(9):
        page.keyboard.press("Shift+ArrowRight")
    page.get_by_role("slider", name="Jaw").fill("0.6")
    page.get_by_role("button", name="Complete again").click()
    page.wait_for_selector("#stop", state="visible")
    page.wait_for_function("document.querySelectorAll('#downloads a.get').length >= 4")
    page.click("#stop")
    page.wait_for_selector("#animate", state="visible")
    page.evaluate("scrollTo(0, innerWidth < 800 ? document.querySelector('#screens').offsetTop : 0)")
    page.wait_for_timeout(1500)


if __name__ == "__main__":
    main()
