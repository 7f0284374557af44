"""The files of a run: those that are there, those on their way, and those made on demand, with what opens each."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gradio.data_classes import FileData, GradioModel
from pydantic import Field

from kmtalk.web.part import Part


@dataclass(frozen=True)
class Kind:
    """A kind of file: the group that it is listed in, what it holds, what opens it (`code` in backquotes)."""

    group: str
    holds: str
    opens: str


KINDS = {
    "mp4": Kind("Video", "Video with sound", "Any player, browser or editor."),
    "webm": Kind(
        "Video",
        "Video without a background",
        "Keeps its transparency on web pages in Chrome, Edge and Firefox, in OBS and in Blender.",
    ),
    "png.zip": Kind(
        "Video",
        "Pictures without a background, one a frame",
        "Premiere, After Effects, Resolve, Blender: unzip, then import as an image sequence.",
    ),
    "glb": Kind(
        "Animation",
        "Head with named shapes, all of them animated",
        "Blender: File › Import › glTF 2.0. three.js: `new GLTFLoader().load(url, show)`. Babylon, Unity, Godot.",
    ),
    "csv": Kind(
        "Animation",
        "52 ARKit weights and the head’s angles",
        "Unreal: plugin Live Link Face Importer, then drop it into the Content Browser. "
        "Blender and Maya: add-ons for Live Link Face recordings.",
    ),
    "obj.zip": Kind(
        "Animation",
        "Meshes, one a frame, the head held still",
        "Maya, Houdini, ZBrush; Blender with an add-on for mesh sequences. About 4 MB a second.",
    ),
    "TextGrid": Kind(
        "Speech",
        "Phonemes, words, key frames",
        "Praat: Open › Read from file. ELAN: File › Import › Praat TextGrid File.",
    ),
    "srt": Kind("Speech", "Captions", "VLC, YouTube, video editors, subtitle editors."),
    "npz": Kind("Data", "Vertices, weights, life, phonemes", 'Python: `numpy.load("talk.npz")["vertices"]`.'),
    "json": Kind("Data", "Phonemes, words, key frames, edits", "Any language; Python: `json.load(file)`."),
}
"""What the page tells of each kind of file, in the order in which it lists them."""

_UNKNOWN = Kind("Data", "File", "")


class Download(GradioModel):
    """A file's line in the list.

    kind: the suffix; place: where it stands in the list; size: in words; note: what went wrong, or what is needed.
    state: "ready" has a file, "making" is on its way, "offered" is made on demand, "absent" cannot be had.
    """

    kind: str
    place: int
    group: str
    holds: str
    opens: str
    state: Literal["ready", "making", "offered", "absent"]
    note: str = ""
    size: str = ""
    file: FileData | None = None


class DownloadList(GradioModel):
    """Lines of the list, in any order.

    take: differs from run to run and edit to edit. While it stays, the page keeps a file that it has once been given,
    so handlers that end in any order may each send what they know; a new one, or None as a value, clears the list.
    sent: when, because Gradio keeps from the page what equals the value before it.
    """

    files: list[Download]
    take: str = ""
    sent: float = Field(default_factory=time.time)


class Downloads(Part):
    """The list of files; its value is a DownloadList.

    Its event "make" asks for a file that is offered: event.format is the kind. The line shows that it is being made
    until a value brings the file, or the kind as failed(). RESTED is JavaScript to run when everything has been
    stopped: what was being made is offered again.
    """

    files = "downloads"
    data_model = DownloadList
    RESTED = "() => document.querySelectorAll('.downloads').forEach((part) => part.dispatchEvent(new Event('rest')))"


def download(path: Path) -> Download:
    """Return the line of a file, which Gradio copies before the page sees it."""
    kind = next((kind for kind in KINDS if path.name.lower().endswith(f".{kind.lower()}")), path.suffix[1:])
    size = path.stat().st_size
    words = f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{max(1, round(size / 1e3))} kB"
    file = FileData(path=str(path), orig_name=path.name, size=size)
    return _line(kind, "ready", size=words, file=file)


def making(kind: str) -> Download:
    """Return the line of a file that is on its way."""
    return _line(kind, "making")


def offered(kind: str) -> Download:
    """Return the line of a file that is made on demand."""
    return _line(kind, "offered")


def failed(kind: str, why: str) -> Download:
    """Return the line of a file that could not be made; it is offered again."""
    return _line(kind, "offered", note=why)


def absent(kind: str, why: str) -> Download:
    """Return the line of a file that cannot be had, and what it would need."""
    return _line(kind, "absent", note=why)


def _line(kind: str, state: str, **more: object) -> Download:
    about = KINDS.get(kind, _UNKNOWN)
    place = list(KINDS).index(kind) if kind in KINDS else len(KINDS)
    return Download(
        kind=kind, place=place, group=about.group, holds=about.holds, opens=about.opens, state=state, **more
    )
