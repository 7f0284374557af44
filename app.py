"""The page: a recording in, a talking face out."""

try:
    import spaces  # on ZeroGPU this must come before anything that might touch CUDA
except ImportError:
    spaces = None

import os
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from kmtalk.animate import animate, load_model
from kmtalk.assets import asset
from kmtalk.audio import SAMPLE_RATE
from kmtalk.errors import InputError
from kmtalk.models.kmtalk import KMTalk
from kmtalk.motion import Animation
from kmtalk.web import page
from kmtalk.web.endpoints import Endpoints
from kmtalk.web.sentences import sentences
from kmtalk.web.service import Service
from kmtalk.web.studio import HOUR, Studio
from kmtalk.web.viewer import viewer_faces
from kmtalk.web.wishes import MAX_MEGABYTES


def on_gpu(model: KMTalk, borrower: KMTalk | None = None) -> Callable[..., Animation]:
    """Return animate() with a model, or with its borrower on the GPU that a ZeroGPU Space lends.

    Only speech -> motion goes there, which takes a fraction of the recording's length: no more time is asked for.
    Where none is lent, because a visitor's share is used up, the processor does the work.
    """
    here = partial(animate, model=model)
    if spaces is None or borrower is None:
        return here

    @spaces.GPU(duration=lambda speech, **options: 5 + 0.3 * len(speech[0]) / SAMPLE_RATE)
    def lent(speech: tuple, **options: Any) -> Animation:  # noqa: ANN401
        with sentences():
            return animate(speech, model=borrower, **options)

    def lent_or_here(speech: tuple, progress: Callable | None = None, **options: Any) -> Animation:  # noqa: ANN401
        try:
            return lent(speech, **options)  # a progress callback cannot cross to the process that has the GPU
        except gr.Error as error:
            if not str(getattr(error, "title", "")).startswith("ZeroGPU"):
                raise
            gr.Info("There is no GPU time for you at the moment: the processor does it, which takes a little longer.")
            return here(speech, progress=progress, **options)

    return lent_or_here


def build(model: KMTalk, model_name: str = "kmtalk-base", borrower: KMTalk | None = None) -> gr.Blocks:
    """Return the page and its endpoints for a model; borrower: the same one where a borrowed GPU will be."""
    service = Service(model, model_name, on_gpu(model, borrower))
    files = tempfile.TemporaryDirectory(prefix="viewer-")
    gr.set_static_paths([asset("examples"), files.name])
    faces = viewer_faces(service.faces, Path(files.name))
    with gr.Blocks(title="KMTalk", analytics_enabled=False, delete_cache=(HOUR // 12, HOUR)) as blocks:
        Studio(service, faces, blocks)
        Endpoints(service).register()
    blocks.viewer_files = files  # goes with the page
    return blocks.queue(max_size=16)


def launch(blocks: gr.Blocks, **options: Any) -> tuple:  # noqa: ANN401
    """Serve the page; options: those of gr.Blocks.launch. Programs reach it by MCP too where that is installed."""
    return blocks.launch(
        theme=page.theme(),
        css=page.styles(),
        max_file_size=f"{MAX_MEGABYTES}mb",
        run_history=False,
        state_session_capacity=64,
        mcp_server=page.speaks_mcp(),
        **options,
    )


def main() -> None:
    """Serve the shipped checkpoint, or the folder or Hub id that KMTALK_MODEL names."""
    name = os.environ.get("KMTALK_MODEL")
    try:
        model = load_model(name, device="cpu" if spaces else "auto")
        borrower = load_model(name, device="auto") if spaces else None
    except InputError as error:
        raise SystemExit(f"kmtalk: {error}") from error
    launch(build(model, name_of(name), borrower))


def name_of(checkpoint: str | None) -> str:
    """Return what the page calls a checkpoint: its folder's name, or that of the run it belongs to."""
    path = Path(checkpoint or "kmtalk-base")
    return path.parent.name if path.name == "checkpoint" and path.parent.name else path.name


if __name__ == "__main__":
    main()
