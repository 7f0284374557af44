"""The page: its widgets, and what happens between them."""

import tempfile
from collections.abc import Iterator
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from kmtalk.audio import save_audio
from kmtalk.errors import InputError
from kmtalk.web import page
from kmtalk.web.background import Report, watched
from kmtalk.web.controls import Controls
from kmtalk.web.downloads import DownloadList, Downloads, absent, download, failed, making, offered
from kmtalk.web.links import copy_link, read_link
from kmtalk.web.sentences import sentence, sentences
from kmtalk.web.service import Service, Take
from kmtalk.web.status import Stage, Status
from kmtalk.web.timeline import Timeline, timeline_data
from kmtalk.web.viewer import Viewer, ViewerFace, choose, viewer_data
from kmtalk.web.wishes import FILMED, HEAVY, Wish, check_formats, make_shot

HOUR = 3600
PRIVATE = {"api_visibility": "private"}
QUICK = {"queue": False, "show_progress": "hidden", **PRIVATE}
SLOW = {"show_progress": "hidden", "concurrency_limit": 8, **PRIVATE}
SHOW_SCREEN = """() => {
    const screen = document.getElementById("screens"), top = screen.getBoundingClientRect().top;
    if (top < 0 || top > innerHeight / 2) screen.scrollIntoView({ block: "start" });
}"""
"""The results lie above or below the button that was pressed, on a phone, or where much is open."""


class Studio:
    """The widgets of the page and what happens between them."""

    def __init__(self, service: Service, faces: dict[str, ViewerFace], blocks: gr.Blocks) -> None:
        self.service, self.faces = service, faces
        gr.HTML(page.header(service), padding=False)
        with gr.Row(elem_classes="columns"):
            with gr.Column(scale=4, min_width=320):
                self.controls = Controls(service)
            with gr.Column(scale=7, min_width=320):
                self._add_results()
        with gr.Row(elem_id="about"):
            gr.Markdown(page.note("code"), container=False)
            gr.Markdown(page.note("limits"), container=False)
        self._connect_settings(blocks)
        self._connect_work()

    def _add_results(self) -> None:
        # Not tabs: those take what is not seen off the page, and a video that arrives there would be lost.
        with gr.Column(elem_id="screens"):
            with gr.Row(elem_id="above"):
                gr.Radio(
                    ["3D", "Video"], value="3D", interactive=True, show_label=False, container=False, elem_id="screen"
                )
                self.status = Status(elem_id="status")
            rest = viewer_data(self.faces, next(iter(self.faces)))
            self.viewer = Viewer(rest, hint="Pick a voice and press Animate", elem_id="kmtalk-viewer")
            self.video = gr.Video(
                show_label=False, interactive=False, buttons=[], elem_id="kmtalk-video", elem_classes="screen"
            )
            self.again = gr.Button("Film again with the present settings", size="sm", elem_id="again")
        self.take, self.revision = gr.State(None, time_to_live=HOUR), gr.State("")
        with gr.Column(visible=False, elem_id="results") as self.results:
            self.timeline = Timeline(elem_id="timeline")
            with gr.Tabs():
                with gr.Tab("Downloads"):
                    self.downloads = Downloads(elem_id="downloads")
                with gr.Tab("How it was made"):
                    self.made = gr.Markdown(elem_id="made")

    def _connect_settings(self, blocks: gr.Blocks) -> None:
        """What needs no work: settings that the 3D view follows at once, and links that carry settings."""
        controls = self.controls
        seen = {name: getattr(controls, name) for name in ("identity", "camera", "look", "background")}
        changes = [widget.change for widget in seen.values()]
        gr.on(changes, None, [*seen.values(), self.viewer], self.viewer, js=choose(*seen), **PRIVATE)
        widgets = [setting.widget for setting in controls.settings]
        controls.link.click(None, widgets, js=copy_link(controls.settings), **PRIVATE)
        blocks.load(self._follow_link, outputs=widgets, show_progress="hidden", **PRIVATE)  # queued, as it may warn

    def _connect_work(self) -> None:
        """Animating, completing again and filming again, each of which has files made; Stop ends them all."""
        controls, delivered = self.controls, self._connect_files()
        view = [controls.camera, controls.look, controls.background]
        wishes = [
            *(controls.recording, controls.identity, controls.fps, controls.life, controls.seed, controls.keys),
            *(controls.transcript, controls.language, controls.alignment, controls.style),
        ]
        shown = [*self._busy, self.take, self.viewer, self.timeline, self.results, self.downloads, self.revision]
        # Files of what was there before must not arrive among those of what comes now. The page does things in order.
        for trigger in (controls.start.click, self.timeline.complete, self.again.click):
            trigger(None, cancels=delivered, **PRIVATE)
        controls.start.click(None, js=SHOW_SCREEN, **PRIVATE)
        cleared = controls.start.click(self._begin, outputs=[*self._busy, self.results, self.made], **QUICK)
        heard = cleared.then(self._listen, [*wishes, *view], shown, **SLOW)
        completed = self.timeline.complete(self._complete, [self.take, *view], shown, **SLOW)
        recast = self.again.click(self._recast, [self.take, controls.identity, *view], shown, **SLOW)
        begun = [heard, completed, recast]
        for work in begun:
            work.failure(self._rest, outputs=self._busy, js=Downloads.RESTED, **QUICK)
        for answered in (completed.success, completed.failure, controls.stop.click):
            answered(None, js=Timeline.RESTED, **PRIVATE)
        controls.stop.click(self._rest, outputs=self._busy, cancels=[*begun, *delivered], js=Downloads.RESTED, **QUICK)

    def _connect_files(self) -> list[gr.events.Dependency]:
        """Write the data files and film once a take is there, and make others on demand; return what can be stopped."""
        # Each change counts: the one before has been stopped.
        written = self.revision.change(self._write, self.take, self._delivered, trigger_mode="multiple", **SLOW)
        filmed = written.success(self._film, [self.take, *self._filming], self._delivered, **SLOW)
        made = self.downloads.make(self._make, [self.take, *self._filming], self._delivered, **SLOW)
        for work in (written, filmed, made):
            work.failure(self._rest, outputs=self._busy, js=Downloads.RESTED, **QUICK)
        for work in (filmed, made):
            work.success(self._rest, outputs=self._busy, **QUICK)
        return [written, filmed, made]

    @property
    def _busy(self) -> list[gr.components.Component]:
        """The widgets that tell whether something is being done."""
        return [self.status, self.controls.start, self.controls.stop]

    @property
    def _filming(self) -> list[gr.components.Component]:
        """The widgets that say how a video is made, in the order of _shot()."""
        controls = self.controls
        shot = (controls.size, controls.aspect, controls.camera, controls.background, controls.look, controls.captions)
        return [*shot, controls.compare]

    @property
    def _delivered(self) -> list[gr.components.Component]:
        """Where files arrive."""
        return [*self._busy, self.video, self.downloads, self.made]

    def _follow_link(self, request: gr.Request) -> list:
        return read_link(self.controls.settings, request.query_params)

    def _begin(self) -> dict:
        begun = {**self._progress("listening", 0.0), **self._handing_on}
        return begun | {self.results: gr.update(visible=False), self.made: None}

    def _rest(self) -> tuple:
        return None, gr.update(visible=True), gr.update(visible=False)

    def _progress(self, name: str, fraction: float) -> dict:
        return {
            self.status: Stage(name=name[:1].upper() + name[1:], fraction=fraction),
            self.controls.start: gr.update(visible=False),
            self.controls.stop: gr.update(visible=True, interactive=True),
        }

    @property
    def _handing_on(self) -> dict:
        """Stop between two works: Gradio cannot cancel one that it has sent for and not heard of yet."""
        return {self.controls.stop: gr.update(visible=True, interactive=False)}

    # Each handler yields its values last: Gradio sends what follows as a difference, which would eat into them.

    def _listen(
        self,
        recording: str | None,
        identity: str,
        fps: int,
        life: bool,
        seed: int | None,
        keys: str,
        transcript: str | None,
        language: str,
        alignment: str | None,
        style: str | None,
        *view: str,
    ) -> Iterator[dict]:
        """Animate a recording."""
        with sentences():
            wish = Wish(identity, fps, life, seed or 0, keys, transcript or "", language, alignment, style or "")
            take = yield from watched(lambda report: self.service.record(recording, wish, report), self._progress)
            yield from self._show(take, *view)

    def _complete(self, take: Take | None, event: gr.EventData, *view: str) -> Iterator[dict]:
        """Complete the motion again from edited key motions."""
        with sentences():
            yield from self._show(self.service.complete(here(take), event.edits), *view)

    def _recast(self, take: Take | None, identity: str, *view: str) -> Iterator[dict]:
        """Give the motion to the face that is chosen now."""
        with sentences():
            yield from self._show(self.service.recast(here(take), identity), *view)

    def _show(self, take: Take, camera: str, look: str, background: str) -> Iterator[dict]:
        """Show a take in 3D and on the timeline, before any file of it is made."""
        with tempfile.TemporaryDirectory(prefix="kmtalk-") as folder:
            animation, view = take.animation, {"camera": camera, "look": look, "background": background}
            sound = save_audio(Path(folder, "sound.wav"), animation.audio)
            coming = [making(kind) for kind in ("mp4", *self.service.formats(take))]
            kept = [*map(offered, HEAVY), *(absent(kind, why) for kind, why in self.service.missing(take).items())]
            yield {
                **self._handing_on,
                self.status: None,
                self.take: take,
                self.revision: take.revision,
                self.viewer: viewer_data(self.faces, animation.face.name, animation, sound, take=take.identity, **view),
                self.timeline: timeline_data(animation, take.original),
                self.results: gr.update(visible=True),
                self.downloads: DownloadList(files=[*coming, *kept], take=take.revision),
            }

    def _write(self, take: Take) -> Iterator[dict]:
        """Write the data files, which are much sooner done than the video."""
        with sentences(), tempfile.TemporaryDirectory(prefix="kmtalk-") as folder:
            formats = self.service.formats(take)
            paths = yield from watched(
                lambda report: self.service.write(take, Path(folder), formats, report), self._progress
            )
            # Gradio copies the files while this generator rests at its yield; then the folder goes.
            yield {
                **self._handing_on,
                self.downloads: DownloadList(files=[download(path) for path in paths], take=take.revision),
                self.made: self._table(take),
            }

    def _film(self, take: Take, *settings: Any) -> Iterator[dict]:  # noqa: ANN401
        """Film the MP4; where that is impossible, everything else stays."""
        with sentences():
            yield from self._file(take, "mp4", settings)

    def _make(self, take: Take | None, event: gr.EventData, *settings: Any) -> Iterator[dict]:  # noqa: ANN401
        """Make a file on demand."""
        with sentences():
            check_formats([event.format])
            yield from self._file(here(take), event.format, settings)

    def _file(self, take: Take, kind: str, settings: tuple) -> Iterator[dict]:
        """Make one file, and say in the list of files why where that is impossible."""
        with tempfile.TemporaryDirectory(prefix="kmtalk-") as folder:
            try:
                path = yield from watched(partial(self._work_on, take, Path(folder), kind, settings), self._progress)
            except InputError as error:
                why = sentence(error)
                gr.Warning(escape(why), duration=None)
                yield {self.downloads: DownloadList(files=[failed(kind, why)], take=take.revision)}
                return
            files = DownloadList(files=[download(path)], take=take.revision)
            video = {self.video: str(path)} if kind == "mp4" else {}
            yield {self.downloads: files, self.made: self._table(take)} | video

    def _work_on(self, take: Take, folder: Path, kind: str, settings: tuple, report: Report) -> Path:
        if kind not in FILMED:
            return self.service.write(take, folder, [kind], report)[0]
        size, aspect, camera, background, look, captions, compare = settings
        chosen = None if background == "studio" else background  # where nobody chose, some files are transparent
        shot = make_shot(size, aspect=aspect, camera=camera, background=chosen, look=look, captions=captions)
        return self.service.film(take, folder, shot, report, kind, compare if kind == "mp4" else "nothing")

    def _table(self, take: Take) -> str:
        rows = "\n".join(f"| {name} | {value} |" for name, value in self.service.facts(take).items())
        return f"| | |\n|---|---|\n{rows}"


def here(take: Take | None) -> Take:
    """Return the take, unless it has been deleted after its hour."""
    if take is None:
        raise InputError("this recording has been deleted meanwhile: animate it once more")
    return take
