"""The model card of a checkpoint that was trained on a prepared data set."""

import json
from dataclasses import asdict
from pathlib import Path

from kmtalk.data.prepared import Prepared
from kmtalk.files import replacing
from kmtalk.train.settings import ModelChoice, PreparedConfig
from kmtalk.version import VERSION

_CARD = """---
library_name: kmtalk
license: other
license_name: terms-of-the-recordings
tags:
- audio-to-3d
- speech-driven-animation
- talking-face
---

# {name}

A KMTalk model (arXiv 2409.01113, implemented by kmtalk {version}) trained on {clips} clips, {hours:.2f} hours, of
{subjects} subjects at {fps:g} frames a second from the data set `{name}`.

**Terms.** The weights, and the face in `face.safetensors` (the mean of the subjects' neutral faces and the shapes of
their motion), are derived from those recordings. The recordings' terms bind whoever uses or shares this checkpoint:
most research data sets allow neither commercial use nor passing on. kmtalk's own licence covers its code alone.

```python
import kmtalk

model = kmtalk.KMTalk.from_pretrained("this folder")
animation = kmtalk.animate("speech.wav", model=model, style={style})
kmtalk.render(animation, "speech.mp4")
```

Settings:

```json
{settings}
```
"""


def write_card(prepared: Prepared, choice: ModelChoice, config: PreparedConfig, folder: Path) -> None:
    """Write README.md of a checkpoint: what it was trained on, how, and whose terms bind it."""
    clips = prepared.clips("train")
    subjects = sorted({clip.subject for clip in clips})
    text = _CARD.format(
        name=prepared.name,
        version=VERSION,
        clips=len(clips),
        hours=sum(clip.frames for clip in clips) / prepared.fps / 3600,
        subjects=len(subjects),
        fps=prepared.fps,
        style=f'"{subjects[0]}"' if choice.styles else "None",
        settings=json.dumps({"model": asdict(choice), "train": asdict(config)}, indent=2),
    )
    with replacing(folder / "README.md") as temporary:
        temporary.write_text(text, encoding="utf-8")
