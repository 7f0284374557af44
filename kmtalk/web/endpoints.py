"""The HTTP endpoints /animate, /complete, /phonemes and /info for programs."""

import tempfile
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any, Literal

import gradio as gr

from kmtalk.errors import InputError
from kmtalk.render import ASPECTS, CAMERAS, CAPTIONS, LOOKS, Shot
from kmtalk.web.sentences import sentence, sentences
from kmtalk.web.service import Service
from kmtalk.web.wishes import COMPARISONS, FILMED, FORMATS, KEYS, LANGUAGES, Wish, check_formats, make_shot

Keys = Literal[*KEYS]
Language = Literal[*LANGUAGES]
Format = Literal[*FORMATS]
CameraName = Literal[*CAMERAS]
Aspect = Literal[*ASPECTS]
Look = Literal[*LOOKS]
Captions = Literal[*CAPTIONS]
Comparison = Literal[*COMPARISONS]
Edits = list[dict[str, Any]]
Files = dict[str, gr.FileData]


class Endpoints:
    """Typed and documented functions that Gradio serves under their own names."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def register(self) -> None:
        """Add the endpoints to the Blocks that are being built."""
        for endpoint in (self.animate, self.complete):
            gr.api(endpoint, api_name=endpoint.__name__, concurrency_limit=4)
        gr.api(self.phonemes, api_name="phonemes")
        gr.api(self.info, api_name="info", queue=False)

    def animate(
        self,
        audio: gr.FileData,
        identity: str = "",
        fps: int = 25,
        size: int = 512,
        seed: int = 0,
        formats: list[Format] = ["mp4", "npz", "json", "TextGrid"],  # noqa: B006 - Gradio shows it as the default
        camera: CameraName = "front",
        life: bool = True,
        keys: Keys = "phonemes",
        transcript: str = "",
        language: Language = "en-us",
        alignment: gr.FileData | None = None,
        aspect: Aspect = "square",
        look: Look = "skin",
        background: str = "",
        captions: Captions = "none",
        compare: Comparison = "nothing",
    ) -> Iterator[Files]:
        """Make a face speak a recording.

        Args:
            audio: The recording: WAV, FLAC, MP3, OGG, M4A or WebM, 0.3 to 60 s, up to 25 MB.
            identity: Who speaks, one of those that /info lists; empty for the first.
            fps: Frames a second: 25, 30, 50 or 60.
            size: Pixels of the shorter side of the video: 256, 512, 720 or 1080.
            seed: The same seed gives the same blinks, gaze and head motion.
            formats: The files to make; without mp4, webm and png.zip the answer comes much sooner.
            camera: Where the video is filmed from.
            life: Whether to add blinks, gaze and head motion, which do not come from the speech model.
            keys: Where the key frames lie: at the boundaries of phonemes, at their centres, or evenly spread.
            transcript: The words of the recording, for the phonemes that were said; empty where they are not known.
            language: The language of the transcript.
            alignment: A TextGrid whose phones are taken as they are, instead of a transcript.
            aspect: The shape of the video.
            look: Skin, or plain clay.
            background: A name that /info lists, or a colour as #rrggbb; empty for studio, or none in webm and png.zip.
            captions: What is written on the video.
            compare: Another setting to show beside this one in the same video.

        Returns:
            The files by format: npz holds vertices in metres, weights, phonemes and key frames.
        """
        with sentences():
            wish = Wish(identity, fps, life, seed, keys, transcript, language, _path(alignment))
            behind = background or None
            shot = make_shot(size, aspect=aspect, camera=camera, background=behind, look=look, captions=captions)
            yield from self._files(audio, wish, [], formats, shot, compare)

    def complete(
        self,
        audio: gr.FileData,
        edits: Edits,
        identity: str = "",
        fps: int = 25,
        size: int = 512,
        seed: int = 0,
        formats: list[Format] = ["npz", "json"],  # noqa: B006 - Gradio shows it as the default
        camera: CameraName = "front",
        life: bool = True,
        keys: Keys = "phonemes",
        transcript: str = "",
        language: Language = "en-us",
        alignment: gr.FileData | None = None,
    ) -> Iterator[Files]:
        """Make a face speak a recording with edited key motions: the motion is completed again from them.

        Args:
            audio: The recording: WAV, FLAC, MP3, OGG, M4A or WebM, 0.3 to 60 s, up to 25 MB.
            edits: Operations in their order, such as {"do": "shape key", "frame": 12, "jaw": 0.5}; also "move key",
                "add key", "delete key", "set key", "relabel" and "retime". The page saves the same list.
            identity: Who speaks, one of those that /info lists; empty for the first.
            fps: Frames a second: 25, 30, 50 or 60; frames in edits count at this rate.
            size: Pixels of the shorter side of the video: 256, 512, 720 or 1080.
            seed: The same seed gives the same blinks, gaze and head motion.
            formats: The files to make; without mp4, webm and png.zip the answer comes much sooner.
            camera: Where the video is filmed from.
            life: Whether to add blinks, gaze and head motion, which do not come from the speech model.
            keys: Where the key frames lie before the edits.
            transcript: The words of the recording, for the phonemes that were said; empty where they are not known.
            language: The language of the transcript.
            alignment: A TextGrid whose phones are taken as they are, instead of a transcript.

        Returns:
            The files by format: npz holds vertices in metres, weights, phonemes and key frames.
        """
        with sentences():
            wish = Wish(identity, fps, life, seed, keys, transcript, language, _path(alignment))
            yield from self._files(audio, wish, edits, formats, make_shot(size, camera=camera), "nothing")

    def phonemes(
        self, audio: gr.FileData, transcript: str = "", language: Language = "en-us", keys: Keys = "phonemes"
    ) -> dict[str, Any]:
        """Hear the phonemes of a recording, with the key frames that they give at 25 frames a second.

        Args:
            audio: The recording: WAV, FLAC, MP3, OGG, M4A or WebM, 0.3 to 60 s, up to 25 MB.
            transcript: The words of the recording, for the phonemes that were said; empty where they are not known.
            language: The language of the transcript.
            keys: Where the key frames lie: at the boundaries of phonemes, at their centres, or evenly spread.

        Returns:
            duration in seconds, fps, frames, phonemes (label, start and end in seconds), words where a transcript was
            given (text, start and end in seconds), and key_frames.
        """
        with sentences():
            wish = Wish(life=False, keys=keys, transcript=transcript, language=language)
            animation = self.service.record(audio["path"], wish, lambda stage, fraction: None).animation
            return {
                "duration": animation.duration,
                "fps": animation.fps,
                "frames": animation.frames,
                "phonemes": [{"label": p.label, "start": p.start, "end": p.end} for p in animation.phonemes],
                "words": [{"text": w.text, "start": w.start, "end": w.end} for w in animation.words],
                "key_frames": animation.key_frames.tolist(),
            }

    def info(self) -> dict[str, Any]:
        """Tell what this server runs and allows.

        Returns:
            The model and its device; the identities, cameras, formats, frame rates, sizes and other settings to choose
            from; limits in seconds and megabytes; and the units of all files.
        """
        return self.service.info()

    def _files(
        self, audio: gr.FileData, wish: Wish, edits: Edits, formats: list[str], shot: Shot, compare: str
    ) -> Iterator[Files]:
        progress = gr.Progress()

        def report(stage: str, fraction: float) -> None:
            progress(fraction, desc=stage)

        check_formats(formats)
        with tempfile.TemporaryDirectory(prefix="kmtalk-") as name:
            folder = Path(name)
            take = self.service.record(audio["path"], wish, report)
            take = self.service.complete(take, edits) if edits else take
            data = [name for name in formats if name not in FILMED]
            files = dict(zip(data, self.service.write(take, folder, data, report), strict=True))
            for suffix in formats:
                if suffix in FILMED:
                    try:
                        files[suffix] = self.service.film(take, folder, shot, report, suffix, compare)
                    except InputError as error:
                        if not files:
                            raise
                        gr.Warning(escape(sentence(error), quote=False))
            # Gradio copies the files while this generator rests here; then the folder goes.
            yield {name: gr.FileData(path=str(path), orig_name=path.name).model_dump() for name, path in files.items()}


def _path(file: gr.FileData | None) -> str | None:
    return file["path"] if file else None
