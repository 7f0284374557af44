"""Pictures and sound as files in a ZIP archive, for compositing programs."""

import io
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from kmtalk.audio import save_audio
from kmtalk.render.reel import Progress, Reel


def write_stack(reel: Reel, path: Path, progress: Progress | None) -> None:
    """Write a reel as frame_00000.png, frame_00001.png ... and sound.wav; picture t shows time t / fps."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for done, picture in enumerate(reel.pictures, start=1):
            archive.writestr(f"frame_{done - 1:05}.png", _png(picture))
            if progress is not None:
                progress(done, reel.count)
        with tempfile.TemporaryDirectory(prefix="kmtalk-") as folder:
            archive.write(save_audio(Path(folder, "sound.wav"), reel.audio), "sound.wav")


def _png(picture: np.ndarray) -> bytes:
    from PIL import Image

    packed = io.BytesIO()
    Image.fromarray(picture).save(packed, "PNG", compress_level=4)
    return packed.getvalue()
