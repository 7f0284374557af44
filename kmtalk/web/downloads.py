"""The list of files that a run has made."""

from pathlib import Path

from gradio.data_classes import FileData, GradioModel

from kmtalk.web.part import Part

_KINDS = {
    ".mp4": "Video with sound",
    ".npz": "Vertices, weights and phonemes for Python",
    ".glb": "Animated mesh for Blender, three.js, Unity",
    ".csv": "ARKit weights, LiveLink layout",
    ".textgrid": "Phonemes and key frames for Praat",
    ".json": "Phonemes and key frames for programs",
}


class Download(GradioModel):
    """A file, what it is good for, and its size in words."""

    kind: str
    use: str
    size: str
    file: FileData


class DownloadList(GradioModel):
    """Files in the order in which they are listed."""

    files: list[Download]


class Downloads(Part):
    """Links to files; its value is a DownloadList."""

    files = "downloads"
    data_model = DownloadList


def download(path: Path) -> Download:
    """Return the entry of a file, which Gradio copies before the page sees it."""
    size = path.stat().st_size
    return Download(
        kind=path.suffix[1:],
        use=_KINDS.get(path.suffix.lower(), "File"),
        size=f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{max(1, round(size / 1e3))} kB",
        file=FileData(path=str(path), orig_name=path.name, size=size),
    )
