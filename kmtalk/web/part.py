"""The base of the page's own parts."""

from pathlib import Path
from typing import Any, ClassVar

import gradio as gr
from gradio.data_classes import GradioModel

_FOLDER = Path(__file__).parent


class Part(gr.HTML):
    """A component drawn by FILES.html, FILES.css and FILES.js, which lie beside this file.

    Its value is an instance of its data_model or None, in Python, on the page and in the API's description. The HTML
    is drawn once and the JavaScript fills it, because Gradio's templates would run what a value contains.
    """

    files: ClassVar[str]
    data_model: ClassVar[type[GradioModel]]

    def __init__(self, value: GradioModel | None = None, **options: Any) -> None:  # noqa: ANN401
        texts = {
            option: (_FOLDER / f"{self.files}.{suffix}").read_text(encoding="utf-8")
            for option, suffix in (("html_template", "html"), ("css_template", "css"), ("js_on_load", "js"))
        }
        super().__init__(value, apply_default_css=False, **(texts | options))

    def preprocess(self, payload: GradioModel | None) -> GradioModel | None:
        """Hand the value to a handler as it is."""
        return payload

    def postprocess(self, value: GradioModel | None) -> GradioModel | None:
        """Hand the value to the page as it is."""
        return value

    def api_info(self) -> dict[str, Any]:
        """Return the JSON schema of the value."""
        return self.data_model.model_json_schema()
