"""What works on this machine: the answer to most questions that begin with 'why does it not'."""

import platform
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np

from kmtalk.errors import InputError
from kmtalk.version import VERSION


@dataclass(frozen=True)
class Finding:
    """One thing looked at: whether it works, what it said, and whether kmtalk needs it."""

    name: str
    works: bool
    said: str
    needed: bool = True


def examine() -> list[Finding]:
    """Look at Python, libraries, ffmpeg, OpenGL, GPU, weights and espeak-ng; nothing raises."""
    return [
        Finding("kmtalk", True, VERSION),
        Finding("python", True, platform.python_version()),
        *(_try(name, lambda name=name: version(name)) for name in ("torch", "transformers", "gradio", "numpy")),
        _try("ffmpeg", _ffmpeg),
        _try("opengl", _opengl),
        _try("weights", _weights),
        _try("gpu", _gpu, needed=False),
        _try("espeak-ng", _espeak, needed=False),
    ]


def _try(name: str, look: Callable[[], str], needed: bool = True) -> Finding:
    try:
        return Finding(name, True, look(), needed)
    except (InputError, ImportError, OSError, RuntimeError, subprocess.SubprocessError) as error:
        return Finding(name, False, " ".join(str(error).split()), needed)


def _ffmpeg() -> str:
    import imageio_ffmpeg

    return f"{imageio_ffmpeg.get_ffmpeg_version()} (bundled)"


def _opengl() -> str:
    from kmtalk.face import load_face
    from kmtalk.render import still

    face = load_face()
    still(face, np.zeros(len(face.basis_names), np.float32), size=64)
    return "draws (moderngl over EGL)"


def _weights() -> str:
    from kmtalk.animate import load_model

    model = load_model()
    return f"{model.name}, {sum(p.numel() for p in model.parameters()) / 1e6:.1f} M parameters"


def _gpu() -> str:
    import torch

    if not torch.cuda.is_available():
        raise RuntimeError("no NVIDIA GPU: the processor does all the work")
    return torch.cuda.get_device_name()


def _espeak() -> str:
    program = shutil.which("espeak-ng")
    if program is None:
        raise RuntimeError("not installed: only --transcript needs it (apt-get install espeak-ng)")
    return (
        subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10).stdout.split("  ")[0].strip()
    )
