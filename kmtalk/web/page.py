"""How the page looks and what it says: theme, styles, header and the notes at its foot."""

import base64
import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from string import Template

import gradio as gr

from kmtalk.assets import asset
from kmtalk.face import IDENTITIES
from kmtalk.web.service import Service
from kmtalk.web.wishes import MAX_MEGABYTES, MAX_SECONDS, MIN_SECONDS

_FOLDER = Path(__file__).parent
_AUTHORS = "https://github.com/ffxzh/KMTalk"


def theme() -> gr.themes.Base:
    """Return the theme: teal for what speaks, amber for key frames, with contrast in light and dark."""
    return gr.themes.Default(
        primary_hue="teal",
        secondary_hue="amber",
        neutral_hue="slate",
        radius_size="lg",
        # The bundled semi-bold files lack most letters; the bold ones are whole.
        font=(gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700)), "ui-sans-serif", "system-ui", "sans-serif"),
        font_mono=(gr.themes.LocalFont("IBM Plex Mono", weights=(400, 700)), "ui-monospace", "monospace"),
    ).set(
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_800",
        button_primary_text_color="white",
        body_text_color_subdued="*neutral_500",
        body_text_color_subdued_dark="*neutral_400",
        link_text_color="*primary_700",
        link_text_color_dark="*primary_300",
    )


def styles() -> str:
    """Return the page's CSS, with a portrait for each identity inside, so that no frame or host can lose them."""
    portraits = "".join(_portrait(name) for name in IDENTITIES)
    return (_FOLDER / "page.css").read_text(encoding="utf-8") + portraits


def header(service: Service) -> str:
    """Return the HTML of the page's head."""
    space = os.environ.get("SPACE_ID")
    return Template((_FOLDER / "header.html").read_text(encoding="utf-8")).substitute(
        code=f"https://huggingface.co/spaces/{space}/tree/main" if space else _AUTHORS,
        code_name="Code" if space else "Authors’ repository",
        model=service.model_name,
        device="GPU" if service.model.device.type == "cuda" else "CPU",
    )


def note(name: str) -> str:
    """Return the Markdown of a note at the page's foot: code or limits."""
    host = os.environ.get("SPACE_HOST")
    url = f"https://{host}" if host else f"http://127.0.0.1:{os.environ.get('GRADIO_SERVER_PORT', 7860)}"
    return Template((_FOLDER / f"{name}.md").read_text(encoding="utf-8")).substitute(
        url=url,
        mcp=f"Assistants reach the same four as MCP tools at `{url}/gradio_api/mcp/`." if speaks_mcp() else "",
        min_seconds=MIN_SECONDS,
        max_seconds=MAX_SECONDS,
        max_megabytes=MAX_MEGABYTES,
    )


def speaks_mcp() -> bool:
    """Return whether programs can reach the page by MCP: whether a version that Gradio takes is here."""
    try:
        return int(version("mcp").split(".")[0]) < 2
    except PackageNotFoundError:
        return False


def _portrait(name: str) -> str:
    """Return the rules that show an identity's portrait on its choice."""
    data = base64.b64encode(asset("head", name, "portrait.webp").read_bytes()).decode()
    return f"""
:root {{ --{name}: url(data:image/webp;base64,{data}) }}
.identity label:has(input[value="{name}"])::before {{ background-image: var(--{name}) }}
"""
