"""The page: a recording in, a talking face out."""

try:
    import spaces  # on ZeroGPU this must come before anything that might touch CUDA
except ImportError:
    spaces = None

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from kmtalk.animate import animate, load_model
from kmtalk.assets import asset
from kmtalk.audio import SAMPLE_RATE
from kmtalk.errors import InputError
from kmtalk.face import IDENTITIES
from kmtalk.models.kmtalk import KMTalk
from kmtalk.motion import Animation
from kmtalk.render import CAMERAS
from kmtalk.web import page
from kmtalk.web.background import watched
from kmtalk.web.downloads import DownloadList, Downloads, download
from kmtalk.web.endpoints import Endpoints
from kmtalk.web.sentences import sentence, sentences
from kmtalk.web.service import (
    DATA_FORMATS,
    FRAME_RATES,
    MAX_MEGABYTES,
    MAX_SECONDS,
    MIN_SECONDS,
    SIZES,
    Service,
    Shot,
    Take,
    Wish,
    facts,
)
from kmtalk.web.status import Stage, Status
from kmtalk.web.timeline import Timeline, timeline_data

HOUR = 3600
SHOW_SCREEN = """() => {
    if (innerWidth <= 800) document.getElementById("kmtalk-video")?.scrollIntoView({ block: "start" });
}"""
"""On a phone the results lie below the button that was pressed."""


def on_gpu(animate: Callable[..., Animation]) -> Callable[..., Animation]:
    """Return animate() so that it runs on the GPU which a ZeroGPU Space lends; elsewhere as it is.

    Only speech -> motion goes there, which takes a fraction of the recording's length: no more time is asked for.
    """
    if spaces is None:
        return animate

    @spaces.GPU(duration=lambda speech, **options: 5 + 0.3 * len(speech[0]) / SAMPLE_RATE)
    def lent(speech: tuple, **options: Any) -> Animation:  # noqa: ANN401
        with sentences():
            return animate(speech, **options)

    # A progress callback cannot cross to the process that has the GPU.
    return lambda speech, progress=None, **options: lent(speech, **options)


class Page:
    """The widgets of the page and what happens between them."""

    def __init__(self, service: Service) -> None:
        self.service = service
        gr.HTML(page.header(service), padding=False)
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=4, min_width=320):
                self._add_inputs()
            with gr.Column(scale=7, min_width=320):
                self._add_results()
        with gr.Row(elem_classes="about"):
            gr.Markdown(page.note("code"), container=False)
            gr.Markdown(page.note("limits"), container=False)
        self._connect()

    def _add_inputs(self) -> None:
        self.recording = gr.Audio(
            sources=["upload", "microphone"], type="filepath", label="Your recording", buttons=[], elem_id="recording"
        )
        voices = sorted(asset("examples").glob("*.wav"))
        if voices:
            gr.Examples(
                [[str(voice)] for voice in voices],
                inputs=[self.recording],
                label="Or try one of these",
                example_labels=[voice.stem.replace("-", " ").replace("_", " ").capitalize() for voice in voices],
                elem_id="examples",
            )
        self.identity = gr.Radio(
            [(name.capitalize(), name) for name in IDENTITIES],
            value=IDENTITIES[0],
            label="Face",
            elem_classes="identity",
        )
        self.camera = gr.Radio([(name.capitalize(), name) for name in CAMERAS], value="front", label="Camera")
        with gr.Accordion("Options", open=False):
            self.fps = gr.Radio(FRAME_RATES, value=25, label="Frames a second")
            self.size = gr.Radio(SIZES, value=512, label="Video size in pixels", info="Larger takes longer.")
            self.life = gr.Checkbox(True, label="Life", info="Blinks, gaze and head motion; not from the paper.")
            self.seed = gr.Number(0, precision=0, minimum=0, label="Seed", info="The same seed gives the same life.")
        self.start = gr.Button("Animate", variant="primary", size="lg", elem_id="animate")
        self.stop = gr.Button("Stop", variant="stop", size="lg", visible=False, elem_id="stop")
        gr.Markdown(
            f"{MIN_SECONDS} to {MAX_SECONDS} s, up to {MAX_MEGABYTES} MB. "
            "Your recording and all that is made from it are deleted after an hour; nothing is kept.",
            elem_classes="small",
        )

    def _add_results(self) -> None:
        self.video = gr.Video(
            label="Video",
            show_label=False,
            interactive=False,
            buttons=[],
            elem_id="kmtalk-video",
            elem_classes="screen",
        )
        self.status = Status(elem_id="status")
        self.take = gr.State(None, time_to_live=HOUR)
        with gr.Column(visible=False, elem_id="results") as self.results:
            self.timeline = Timeline(video="kmtalk-video", elem_id="timeline")
            with gr.Tabs():
                with gr.Tab("Downloads"):
                    self.downloads = Downloads(elem_id="downloads")
                with gr.Tab("How it was made"):
                    self.made = gr.Markdown(elem_id="made")

    def _connect(self) -> None:
        private = {"api_visibility": "private"}
        quick = {"queue": False, "show_progress": "hidden", **private}
        slow = {"show_progress_on": self.video, **private}
        wishes = [self.recording, self.identity, self.fps, self.life, self.seed]
        fresh = [self.start, self.stop, self.take, self.video, self.downloads, self.made, self.results]
        idle = [self.start, self.stop, self.status]
        self.start.click(None, js=SHOW_SCREEN, **private)
        begun = self.start.click(self._begin, outputs=fresh, **quick)
        heard = begun.then(self._listen, wishes, [self.status, self.take], **slow)
        shown = heard.success(self._show, self.take, [self.results, self.timeline], **quick)
        written = shown.success(self._write, self.take, [self.status, self.downloads, self.made], **slow)
        filmed = written.success(
            self._film,
            [self.take, self.size, self.camera, self.downloads],
            [self.status, self.video, self.downloads, self.made],
            concurrency_id="render",
            concurrency_limit=1,
            **slow,
        )
        for last in (heard.failure, written.failure, filmed.then):
            last(self._rest, outputs=idle, **quick)
        self.stop.click(self._rest, outputs=idle, cancels=[heard, written, filmed], **quick)

    def _begin(self) -> tuple:
        return gr.update(visible=False), gr.update(visible=True), None, None, None, None, gr.update(visible=False)

    def _rest(self) -> tuple:
        return gr.update(visible=True), gr.update(visible=False), None

    def _progress(self, name: str, fraction: float) -> dict:
        return {self.status: Stage(name=name.capitalize(), fraction=fraction)}

    # Each handler yields its values last: Gradio sends what follows as a difference, which would eat into them.

    def _listen(self, recording: str | None, identity: str, fps: int, life: bool, seed: int | None) -> Iterator[dict]:
        """Animate a recording."""
        with sentences():
            wish = Wish(identity, fps, life, seed or 0)
            take = yield from watched(lambda report: self.service.record(recording, wish, report), self._progress)
            yield {self.take: take}

    def _show(self, take: Take) -> tuple:
        return gr.update(visible=True), timeline_data(take.animation)

    def _write(self, take: Take) -> Iterator[dict]:
        """Write the data files, which are much sooner done than the video."""
        with sentences(), tempfile.TemporaryDirectory(prefix="kmtalk-") as folder:
            paths = yield from watched(
                lambda report: self.service.write(take, Path(folder), DATA_FORMATS, report), self._progress
            )
            # Gradio copies the files while this generator rests at its yield; then the folder goes.
            yield {
                self.status: Stage(name="Waiting for the renderer", fraction=0),
                self.downloads: DownloadList(files=[download(path) for path in paths]),
                self.made: self._table(take),
            }

    def _film(self, take: Take, size: int, camera: str, downloads: DownloadList) -> Iterator[dict]:
        """Render the MP4; where that is impossible, everything else stays."""
        with sentences(), tempfile.TemporaryDirectory(prefix="kmtalk-") as folder:
            shot = Shot(size, camera)
            try:
                path = yield from watched(
                    lambda report: self.service.film(take, Path(folder), shot, report), self._progress
                )
            except InputError as error:
                gr.Warning(sentence(error), duration=None)
                yield {self.status: None}  # a generator that yields nothing would empty its outputs
                return
            files = [download(path), *downloads.files]
            yield {
                self.video: str(path),
                self.downloads: DownloadList(files=files),
                self.made: self._table(take),
            }

    def _table(self, take: Take) -> str:
        rows = "\n".join(f"| {name} | {value} |" for name, value in facts(take, self.service.model_name).items())
        return f"| | |\n|---|---|\n{rows}"


def build(model: KMTalk, model_name: str = "kmtalk-base") -> gr.Blocks:
    """Return the page and its endpoints for a model."""
    gr.set_static_paths([asset("examples")])
    service = Service(model, model_name, on_gpu(lambda speech, **options: animate(speech, model=model, **options)))
    with gr.Blocks(title="KMTalk", analytics_enabled=False, delete_cache=(HOUR // 12, HOUR)) as blocks:
        Page(service)
        Endpoints(service).register()
    return blocks.queue(max_size=16)


def launch(blocks: gr.Blocks, **options: Any) -> tuple:  # noqa: ANN401
    """Serve the page; options: those of gr.Blocks.launch."""
    return blocks.launch(
        theme=page.theme(),
        css=page.styles(),
        max_file_size=f"{MAX_MEGABYTES}mb",
        run_history=False,
        state_session_capacity=64,
        **options,
    )


if __name__ == "__main__":
    launch(build(load_model(device="auto")))
