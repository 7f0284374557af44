"""The HTTP endpoints /animate, /phonemes and /info for programs."""

import tempfile
from pathlib import Path
from typing import Any, Literal

import gradio as gr

from kmtalk.errors import InputError
from kmtalk.face import IDENTITIES
from kmtalk.render import CAMERAS
from kmtalk.web.sentences import sentence, sentences
from kmtalk.web.service import FORMATS, Service, Shot, Wish, check_formats

Identity = Literal[*IDENTITIES]
CameraName = Literal[*CAMERAS]
Format = Literal[*FORMATS]


class Endpoints:
    """Typed and documented functions that Gradio serves under their own names."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def register(self) -> None:
        """Add the endpoints to the Blocks that are being built."""
        gr.api(self.animate, api_name="animate", concurrency_id="render", concurrency_limit=1)
        gr.api(self.phonemes, api_name="phonemes")
        gr.api(self.info, api_name="info", queue=False)

    def animate(
        self,
        audio: gr.FileData,
        identity: Identity = "ari",
        fps: int = 25,
        size: int = 512,
        seed: int = 0,
        formats: list[Format] = ["mp4", "npz", "json", "TextGrid"],  # noqa: B006 - Gradio shows it as the default
        camera: CameraName = "front",
        life: bool = True,
    ) -> dict[str, gr.FileData]:
        """Make a face speak a recording.

        Args:
            audio: The recording: WAV, FLAC, MP3, OGG, M4A or WebM, 0.3 to 60 s, up to 25 MB.
            identity: Who speaks.
            fps: Frames a second: 25, 30, 50 or 60.
            size: Width and height of the MP4 in pixels: 256, 512, 720 or 1080.
            seed: The same seed gives the same blinks, gaze and head motion.
            formats: The files to make; without mp4 the answer comes much sooner.
            camera: Where the MP4 is filmed from.
            life: Whether to add blinks, gaze and head motion, which do not come from the speech model.

        Returns:
            The files by format: npz holds vertices in metres, weights, phonemes and key frames.
        """
        progress = gr.Progress()
        with sentences(), tempfile.TemporaryDirectory(prefix="kmtalk-") as folder:

            def report(stage: str, fraction: float) -> None:
                progress(fraction, desc=stage)

            wish, shot = Wish(identity, fps, life, seed), Shot(size, camera)
            check_formats(formats)
            take = self.service.record(audio["path"], wish, report)
            data = [name for name in formats if name != "mp4"]
            files = dict(zip(data, self.service.write(take, Path(folder), data, report), strict=True))
            if "mp4" in formats:
                try:
                    files["mp4"] = self.service.film(take, Path(folder), shot, report)
                except InputError as error:
                    if not files:
                        raise
                    gr.Warning(sentence(error))
            # Gradio copies the files while this generator rests here; then the folder goes.
            yield {name: gr.FileData(path=str(path), orig_name=path.name).model_dump() for name, path in files.items()}

    def phonemes(self, audio: gr.FileData) -> dict[str, Any]:
        """Hear the phonemes of a recording, with the key frames that they give at 25 frames a second.

        Args:
            audio: The recording: WAV, FLAC, MP3, OGG, M4A or WebM, 0.3 to 60 s, up to 25 MB.

        Returns:
            duration in seconds, fps, frames, phonemes (label, start and end in seconds) and key_frames.
        """
        with sentences():
            animation = self.service.record(audio["path"], Wish(life=False), lambda stage, fraction: None).animation
            return {
                "duration": animation.duration,
                "fps": animation.fps,
                "frames": animation.frames,
                "phonemes": [{"label": p.label, "start": p.start, "end": p.end} for p in animation.phonemes],
                "key_frames": animation.key_frames.tolist(),
            }

    def info(self) -> dict[str, Any]:
        """Tell what this server runs and allows.

        Returns:
            The model and its device; the identities, cameras, formats, frame rates and sizes to choose from; limits
            in seconds and megabytes; and the units of all files.
        """
        return self.service.info()
