"""Time the page as a visitor meets it: its weight, the first moving face, and the MP4, in headless Chromium."""

import argparse
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, sync_playwright

import app
from kmtalk.animate import load_model
from kmtalk.assets import asset
from kmtalk.audio import SAMPLE_RATE, load_audio, save_audio

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PATIENCE = 300_000  # ms


def main() -> None:
    """Serve the page, visit it some times and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="length of the recording (default: 10)")
    parser.add_argument("--visits", type=int, default=5, help="how many visits (default: 5)")
    options = parser.parse_args()
    if CHROMIUM is None:
        raise SystemExit("chromium is not installed")
    blocks = app.build(load_model())
    _, url, _ = app.launch(blocks, prevent_thread_lock=True, quiet=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        recording = make_recording(Path(folder), options.seconds)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        visits = [visit(browser, url, recording) for _ in range(options.visits)]
        browser.close()
    blocks.close(verbose=False)
    print(f"medians of {options.visits} visits, {options.seconds:g} s of speech")
    for name in visits[0]:
        print(f"{name:<44}{statistics.median(visit[name] for visit in visits):8.2f}")


def make_recording(folder: Path, seconds: float) -> Path:
    """Return an example recording repeated or cut to a length."""
    audio = load_audio(sorted(asset("examples").glob("*.wav"))[0])
    return save_audio(folder / "voice.wav", np.resize(audio, round(seconds * SAMPLE_RATE)))


def visit(browser: Browser, url: str, recording: Path) -> dict[str, float]:
    """Return what one visitor, who comes for the first time, waits for and fetches."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    fetched = []  # bytes of each answer
    page.on("requestfinished", lambda request: fetched.append(request.sizes()["responseBodySize"]))
    started = time.perf_counter()
    page.goto(url)
    page.wait_for_selector("#kmtalk-viewer .viewer:not(.empty)")
    opened = time.perf_counter() - started
    before = sum(fetched)
    page.set_input_files("#recording input[type=file]", str(recording))
    page.wait_for_selector("#recording [data-testid^=waveform]")
    started = time.perf_counter()
    page.click("#animate")
    page.wait_for_function("Number(document.querySelector('#kmtalk-viewer .viewer')?.dataset.frame) > 0", polling="raf")
    moving = time.perf_counter() - started
    page.wait_for_function("document.querySelector('#kmtalk-video video')?.readyState >= 2")
    filmed = time.perf_counter() - started
    playhead = page.get_by_role("slider", name="Position in the recording")
    playhead.press("Home")
    playhead.press("Shift+ArrowRight")
    page.get_by_role("slider", name="Jaw").fill("0.5")
    page.wait_for_selector("#timeline .stale", state="visible")
    started = time.perf_counter()
    page.click("#timeline .complete")
    page.wait_for_selector("#timeline .stale", state="hidden")
    again = time.perf_counter() - started
    context.close()
    return {
        "page open -> face to be seen (s)": opened,
        "Animate -> face moves (s)": moving,
        "Animate -> MP4 plays (s)": filmed,
        "Complete again -> new motion (s)": again,
        "fetched before Animate (MB)": before / 1e6,
        "fetched with the results (MB)": sum(fetched) / 1e6,
    }


if __name__ == "__main__":
    main()
