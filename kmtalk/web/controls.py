"""The widgets that say what somebody wants: the recording, what is known about it, and how it is shown."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from kmtalk.assets import asset
from kmtalk.render import ASPECTS, BACKDROPS, CAMERAS, CAPTIONS, LOOKS
from kmtalk.web.service import Service
from kmtalk.web.wishes import (
    COMPARISONS,
    FRAME_RATES,
    KEYS,
    LANGUAGES,
    MAX_MEGABYTES,
    MAX_SECONDS,
    MIN_SECONDS,
    SIZES,
)

LINK = "Share: copy a link to these settings"


@dataclass(frozen=True)
class Setting:
    """A widget whose value a link can carry under a name."""

    name: str
    widget: gr.components.Component


class Controls:
    """The left column: widgets as attributes; `settings`, those that a link carries."""

    def __init__(self, service: Service) -> None:
        self.settings: list[Setting] = []
        self._add_recording()
        faces, styles = tuple(service.faces), ("", *service.model.config.subjects)
        self.identity = self._choice("face", faces, label="Face", elem_classes="identity", visible=len(faces) > 1)
        self.style = gr.Dropdown(
            [(style or "Mean of all", style) for style in styles], value="", label="Style", visible=len(styles) > 1
        )
        self.camera = self._choice("camera", CAMERAS, label="Camera")
        self.start = gr.Button("Animate", variant="primary", size="lg", elem_id="animate")
        self.stop = gr.Button("Stop", variant="stop", size="lg", visible=False, elem_id="stop")
        gr.Markdown(
            f"{MIN_SECONDS} to {MAX_SECONDS} s, up to {MAX_MEGABYTES} MB. "
            "Your recording and all that is made from it are deleted after an hour; nothing is kept.",
            elem_classes="small",
        )
        with gr.Accordion("What is said", open=False):
            self._add_words()
        with gr.Accordion("How it moves", open=False):
            self._add_motion()
        with gr.Accordion("How it is filmed", open=False):
            self._add_video()
        self.link = gr.Button(LINK, size="sm", elem_id="link")

    def _add_recording(self) -> None:
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

    def _add_words(self) -> None:
        gr.Markdown(
            "Nothing is needed here. Either tells which phonemes were spoken; else they are heard.",
            elem_classes="small",
        )
        self.transcript = gr.Textbox(
            label="Transcript", placeholder="The words of the recording", lines=2, max_lines=6, elem_id="transcript"
        )
        self.language = self._add(
            "language", gr.Dropdown([(name, code) for code, name in LANGUAGES.items()], value="en-us", label="Language")
        )
        self.alignment = gr.File(
            label="Or a TextGrid with a tier of phones",
            file_types=[".TextGrid", ".textgrid"],
            height=132,
            elem_id="alignment",
        )

    def _add_motion(self) -> None:
        self.keys = self._choice("keys", KEYS, label="Key frames", info="The paper's are at phoneme boundaries.")
        self.fps = self._add("fps", gr.Radio(FRAME_RATES, value=25, label="Frames a second"))
        info = "Blinks, gaze, brows, breath and head motion; not from the paper."
        self.life = self._add("life", gr.Checkbox(True, label="Life", info=info))
        info = "The same seed gives the same life."
        self.seed = self._add("seed", gr.Number(0, precision=0, minimum=0, label="Seed", info=info))

    def _add_video(self) -> None:
        self.look = self._choice("look", LOOKS, label="Look")
        self.background = self._add(
            "background",
            gr.Dropdown(
                list(BACKDROPS),
                value="studio",
                allow_custom_value=True,
                label="Background",
                info="Or any colour, as #rrggbb.",
            ),
        )
        self.aspect = self._choice("aspect", ASPECTS, label="Shape")
        info = "Pixels of the shorter side. Larger takes longer."
        self.size = self._add("size", gr.Radio(SIZES, value=512, label="Size", info=info))
        self.captions = self._choice("captions", CAPTIONS, label="Captions")
        info = "Two faces side by side, for papers: this one at the left."
        self.compare = self._choice("compare", COMPARISONS, label="Compare with", info=info)

    def _choice(self, name: str, values: tuple, **options: Any) -> gr.Radio:  # noqa: ANN401
        choices = [(value.capitalize(), value) for value in values]
        return self._add(name, gr.Radio(choices, value=choices[0][1], **options))

    def _add(self, name: str, widget: gr.components.Component) -> Any:  # noqa: ANN401
        self.settings.append(Setting(name, widget))
        return widget
