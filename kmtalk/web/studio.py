"""The page: its widgets, and what happens between them."""

import tempfile
from collections.abc import Callable, Iterator
from functools import partial, wraps
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from kmtalk.audio import save_audio
from kmtalk.errors import InputError
from kmtalk.web import page
from kmtalk.web.background import Report, Stopped, insist, watched
from kmtalk.web.controls import Controls
from kmtalk.web.desk import Desk
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
REPEATED = {**SLOW, "trigger_mode": "multiple"}  # also while the one before, no longer wanted, comes to its end
SHOW_SCREEN = """() => {
    const screen = document.getElementById("screens"), top = screen.getBoundingClientRect().top;
    if (top < 0 || top > innerHeight / 2) screen.scrollIntoView({ block: "start" });
}"""
"""The results lie above or below the button that was pressed, on a phone, or where much is open."""


def worker(handler: Callable[..., Iterator[dict]]) -> Callable[..., Iterator[dict]]:
    """Tell what goes wrong in a handler as a sentence, and end it quietly once its desk wants nothing more of it."""

    @wraps(handler)
    def work(studio: "Studio", desk: Desk, *inputs: Any) -> Iterator[dict]:  # noqa: ANN401
        with sentences():
            try:
                yield from handler(studio, desk, *inputs)
            except Stopped:
                yield studio.resting if desk.idle else gr.skip()

    return work


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
        self.desk, self.shown, self.written = gr.State(Desk(), time_to_live=HOUR), gr.State(""), gr.State("")
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
        controls = self.controls
        view = [controls.camera, controls.look, controls.background]
        wishes = [
            *(controls.recording, controls.identity, controls.fps, controls.life, controls.seed, controls.keys),
            *(controls.transcript, controls.language, controls.alignment, controls.style),
        ]
        results = [*self._busy, self.desk, self.viewer, self.timeline, self.results, self.downloads, self.shown]
        controls.start.click(None, js=SHOW_SCREEN, **PRIVATE)
        cleared = controls.start.click(self._begin, self.desk, [*self._busy, self.results, self.made], **QUICK)
        heard = cleared.then(self._listen, [self.desk, *wishes, *view], results, **REPEATED)
        completed = self.timeline.complete(self._complete, [self.desk, *view], results, **SLOW)
        recast = self.again.click(self._recast, [self.desk, controls.identity, *view], results, **SLOW)
        # The names of the takes that have been shown and written: what changes them has more to be done.
        written = self.shown.change(self._write, self.desk, [*self._delivered, self.written], **REPEATED)
        filmed = self.written.change(self._film, [self.desk, *self._filming], self._delivered, **REPEATED)
        made = self.downloads.make(self._make, [self.desk, *self._filming], self._delivered, **REPEATED)
        for work in (heard, completed, recast, written, filmed, made):
            work.failure(self._rest, outputs=self._busy, js=Downloads.RESTED, **QUICK)
        for answered in (completed.success, completed.failure, controls.stop.click):
            answered(None, js=Timeline.RESTED, **PRIVATE)
        controls.stop.click(self._stop, self.desk, self._busy, js=Downloads.RESTED, **QUICK)

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

    def _begin(self, desk: Desk) -> dict:
        desk.begin()
        return {**self._progress("listening", 0.0), self.results: gr.update(visible=False), self.made: None}

    def _stop(self, desk: Desk) -> dict:
        desk.stop()
        return self.resting

    def _rest(self) -> dict:
        return self.resting

    @property
    def resting(self) -> dict:
        """How the page looks while nothing is being done."""
        return {
            self.status: None,
            self.controls.start: gr.update(visible=True),
            self.controls.stop: gr.update(visible=False),
        }

    def _progress(self, name: str, fraction: float) -> dict:
        return {
            self.status: Stage(name=name[:1].upper() + name[1:], fraction=fraction),
            self.controls.start: gr.update(visible=False),
            self.controls.stop: gr.update(visible=True),
        }

    # Each handler yields its values last: Gradio sends what follows as a difference, which would eat into them.

    @worker
    def _listen(
        self,
        desk: Desk,
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
        wish = Wish(identity, fps, life, seed or 0, keys, transcript or "", language, alignment, style or "")
        record = partial(self.service.record, recording, wish)
        take = yield from watched(record, self._progress, desk.wanted())
        for remark in take.remarks:
            gr.Warning(escape(sentence(remark), quote=False), duration=None)
        yield from self._show(desk, take, *view)

    @worker
    def _complete(self, desk: Desk, event: gr.EventData, *view: str) -> Iterator[dict]:
        """Complete the motion again from edited key motions."""
        wanted = desk.begin()
        take = self.service.complete(on(desk), event.edits)
        insist(wanted)
        yield from self._show(desk, take, *view)

    @worker
    def _recast(self, desk: Desk, identity: str, *view: str) -> Iterator[dict]:
        """Give the motion to the face that is chosen now."""
        wanted = desk.begin()
        take = self.service.recast(on(desk), identity)
        insist(wanted)
        yield from self._show(desk, take, *view)

    def _show(self, desk: Desk, take: Take, camera: str, look: str, background: str) -> Iterator[dict]:
        """Show a take in 3D and on the timeline, before any file of it is made."""
        desk.lay(take)
        with tempfile.TemporaryDirectory(prefix="kmtalk-") as folder:
            animation, view = take.animation, {"camera": camera, "look": look, "background": background}
            sound = save_audio(Path(folder, "sound.wav"), animation.audio)
            coming = [making(kind) for kind in ("mp4", *self.service.formats(take))]
            kept = [*map(offered, HEAVY), *(absent(kind, why) for kind, why in self.service.missing(take).items())]
            yield {
                **self._progress("writing files", 0.0),
                self.desk: desk,
                self.shown: take.revision,
                self.viewer: viewer_data(self.faces, animation.face.name, animation, sound, take=take.identity, **view),
                self.timeline: timeline_data(animation, take.original),
                self.results: gr.update(visible=True),
                self.downloads: DownloadList(files=[*coming, *kept], take=take.revision),
            }

    @worker
    def _write(self, desk: Desk) -> Iterator[dict]:
        """Write the data files, which are much sooner done than the video."""
        wanted, take = desk.wanted(), on(desk)
        with tempfile.TemporaryDirectory(prefix="kmtalk-") as folder:
            write = partial(self.service.write, take, Path(folder), self.service.formats(take))
            paths = yield from watched(write, self._progress, wanted)
            # Gradio copies the files while this generator rests at its yield; then the folder goes.
            yield {
                self.downloads: DownloadList(files=[download(path) for path in paths], take=take.revision),
                self.made: self._table(take),
                self.written: take.revision,
            }

    @worker
    def _film(self, desk: Desk, *settings: Any) -> Iterator[dict]:  # noqa: ANN401
        """Film the MP4; where that is impossible, everything else stays."""
        yield from self._file(desk, "mp4", settings)

    @worker
    def _make(self, desk: Desk, event: gr.EventData, *settings: Any) -> Iterator[dict]:  # noqa: ANN401
        """Make a file on demand."""
        check_formats([event.format])
        desk.begin()
        yield from self._file(desk, event.format, settings)

    def _file(self, desk: Desk, kind: str, settings: tuple) -> Iterator[dict]:
        """Make one file, and say in the list of files why where that is impossible."""
        wanted, take = desk.wanted(), on(desk)
        with tempfile.TemporaryDirectory(prefix="kmtalk-") as folder:
            try:
                make = partial(self._work_on, take, Path(folder), kind, settings)
                path = yield from watched(make, self._progress, wanted)
            except InputError as error:
                why = sentence(error)
                gr.Warning(escape(why, quote=False), duration=None)
                yield {**self.resting, self.downloads: DownloadList(files=[failed(kind, why)], take=take.revision)}
                return
            files = DownloadList(files=[download(path)], take=take.revision)
            video = {self.video: str(path)} if kind == "mp4" else {}
            yield {**self.resting, self.downloads: files, self.made: self._table(take)} | video

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


def on(desk: Desk) -> Take:
    """Return the take on a desk, unless it has been deleted after its hour."""
    if desk.take is None:
        raise InputError("this recording has been deleted meanwhile: animate it once more")
    return desk.take
