"""Links that carry settings: ?face=cleo&camera=close&life=0."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import gradio as gr

from kmtalk.web.controls import LINK, Setting

_TRUE, _FALSE = ("1", "true", "on", "yes"), ("0", "false", "off", "no")


def read_link(settings: Sequence[Setting], query: Mapping[str, str]) -> list[Any]:
    """Return each setting's value where the link names one that is on offer; the others stay as they are.

    A value that is not on offer is told to the visitor.
    """
    return [_read(setting, query.get(setting.name)) for setting in settings]


def _read(setting: Setting, text: str | None) -> Any:  # noqa: ANN401
    if text is None:
        return gr.skip()
    try:
        return _parse(setting.widget, text)
    except ValueError:
        gr.Warning(escape(f"The link asks for {setting.name} “{text}”, which is not on offer."))
        return gr.skip()


def _parse(widget: gr.components.Component, text: str) -> Any:  # noqa: ANN401
    if isinstance(widget, gr.Checkbox):
        if text.lower() not in (*_TRUE, *_FALSE):
            raise ValueError(text)
        return text.lower() in _TRUE
    if isinstance(widget, gr.Number):
        return int(text)
    offered = {str(value): value for _, value in widget.choices}
    if text in offered:
        return offered[text]
    if getattr(widget, "allow_custom_value", False) and text.startswith("#"):
        return text
    raise ValueError(text)


def copy_link(settings: Sequence[Setting]) -> str:
    """Return the JavaScript that copies a link with the settings' present values, those that were changed."""
    names = [setting.name for setting in settings]
    starts = [setting.widget.value for setting in settings]
    return f"""(...values) => {{
    const names = {names}, starts = {[_text(start) for start in starts]};
    const url = new URL(location.href);
    url.search = url.hash = "";
    values.forEach((value, index) => {{
        const text = value === true ? "1" : value === false ? "0" : String(value ?? "");
        if (text !== starts[index]) url.searchParams.set(names[index], text);
    }});
    const button = document.querySelector("#link");
    const say = (text) => {{
        button.textContent = text;
        setTimeout(() => (button.textContent = {LINK!r}), 2500);
    }};
    const copied = navigator.clipboard?.writeText(url.href) ?? Promise.reject();
    copied.then(() => say("Copied"), () => say(url.href));
}}"""


def _text(value: Any) -> str:  # noqa: ANN401
    return str(int(value)) if isinstance(value, bool) else str(value)
