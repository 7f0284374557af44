"""kmtalk: speech in, an animated 3D talking face out.

An implementation of KMTalk (arXiv 2409.01113): key motions at the phoneme boundaries, then completion to every frame.
"""

from typing import TYPE_CHECKING

from kmtalk.animate import animate
from kmtalk.audio import load_audio
from kmtalk.export import export
from kmtalk.face import Face, load_face
from kmtalk.motion import Animation, Motion
from kmtalk.phonemes import Phoneme
from kmtalk.render import Shot, render, render_comparison
from kmtalk.version import VERSION

if TYPE_CHECKING:
    from kmtalk.models.kmtalk import KMTalk, KMTalkConfig

__version__ = VERSION
__all__ = [
    "Animation",
    "Face",
    "KMTalk",
    "KMTalkConfig",
    "Motion",
    "Phoneme",
    "Shot",
    "animate",
    "export",
    "load_audio",
    "load_face",
    "render",
    "render_comparison",
]


def __getattr__(name: str) -> type:
    """Load the model's classes only when they are asked for: torch takes seconds, the rest does not need it."""
    if name in ("KMTalk", "KMTalkConfig"):
        from kmtalk.models import kmtalk

        return getattr(kmtalk, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
