"""The base of the page's own parts."""

from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import gradio as gr
from gradio.data_classes import GradioModel

_FOLDER = Path(__file__).parent


class Part(gr.HTML):
    """A component drawn by FILES.html, FILES.css and FILES.js, which lie beside this file.

    The scripts named in shared and the styles named in styles stand before its own.

    Its value is an instance of its data_model or None, in Python, on the page and in the API's description. The HTML
    is drawn once and the JavaScript fills it, because Gradio's templates would run what a value contains.
    """

    files: ClassVar[str]
    shared: ClassVar[tuple[str, ...]] = ()
    styles: ClassVar[tuple[str, ...]] = ()
    data_model: ClassVar[type[GradioModel]]

    def __init__(self, value: GradioModel | None = None, **options: Any) -> None:  # noqa: ANN401
        texts = {
            "html_template": text_of(f"{self.files}.html"),
            "css_template": "\n".join(text_of(f"{name}.css") for name in (*self.styles, self.files)),
            "js_on_load": "\n".join(text_of(f"{name}.js") for name in (*self.shared, self.files)),
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
        return deepcopy(_schema(self.data_model))


@cache  # Gradio asks again whenever a handler says anything
def _schema(data_model: type[GradioModel]) -> dict[str, Any]:
    return data_model.model_json_schema()


def text_of(name: str) -> str:
    """Return the text of a file that lies beside this one."""
    return (_FOLDER / name).read_text(encoding="utf-8")
