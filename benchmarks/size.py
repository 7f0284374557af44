"""What a larger model is worth: models of several widths, trained alike from the start, on recordings of real people.

python -m benchmarks.size --corpus DIR --speech DIR --out DIR [--widths 96,192,256] [--steps 300] [--threads 1]

A width that is in OUT already is not trained again.
"""

import argparse
import json
from pathlib import Path

import torch

from kmtalk.data.articulation import Articulation
from kmtalk.data.bank import build_bank
from kmtalk.data.synthetic import load_corpus
from kmtalk.evaluate import evaluate
from kmtalk.face import load_face
from kmtalk.models.kmtalk import KMTalkConfig
from kmtalk.train import TrainConfig, train


def main() -> None:
    """Train and score what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--speech", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--widths", default="96,192,256")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print("width  million parameters  visemes  F1@20    gap  rounding")
    for width in map(int, options.widths.split(",")):
        found = options.out / f"{width}.json"
        if not found.is_file():
            found.parent.mkdir(parents=True, exist_ok=True)
            found.write_text(json.dumps(measure(options, width)))
        scores = json.loads(found.read_text())
        print(
            f"{width:5} {scores['parameters'] / 1e6:19.2f} {scores['visemes']:8.3f} {scores['f1_20']:6.3f} "
            f"{scores['gap']:6.3f} {scores['rounding']:9.3f}",
            flush=True,
        )


def measure(options: argparse.Namespace, width: int) -> dict[str, float]:
    """Train a model of this width and return its size and its scores, of all clips."""
    face = load_face()
    bank = build_bank(load_corpus(options.corpus), Articulation(face), options.out / "bank")
    size = KMTalkConfig(face.basis_names, width=width)
    config = TrainConfig(steps=options.steps, report=1e9)
    model = train(bank, face, options.out / "runs" / str(width), config, size).eval()
    summary = evaluate(options.speech, model, conditions=(), baselines=False)["summary"]
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return {"parameters": parameters, **{name: summary[name] for name in ("visemes", "f1_20", "gap", "rounding")}}


if __name__ == "__main__":
    main()
