"""What each augmentation is worth: the shipped weights, trained on without it, on recordings of real people.

python -m benchmarks.augmentation --corpus DIR --speech DIR --out DIR [--steps 150] [--seeds 2] [--threads 1]

Every run has the same batches but for what is left out. `nothing` leaves out nothing and is run with several seeds,
whose spread is that of chance. A run that is in OUT already is not made again.
"""

import argparse
import json
import sys
from pathlib import Path

import torch

from kmtalk.animate import load_model
from kmtalk.data.articulation import Articulation
from kmtalk.data.augment import AUGMENTATIONS
from kmtalk.data.bank import build_bank
from kmtalk.data.synthetic import load_corpus
from kmtalk.evaluate import evaluate
from kmtalk.evaluate.conditions import USUAL
from kmtalk.face import load_face
from kmtalk.train import TrainConfig, train

COLUMNS = ("visemes", "pbm_recall", "f1_20", "gap")


def main() -> None:
    """Train and score what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--speech", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    runs = [("nothing", seed) for seed in range(options.seeds)] + [(name, 0) for name in AUGMENTATIONS]
    print(f"{'without':<12}" + "".join(f"{condition:>28}" for condition in USUAL))
    print(" " * 12 + f"{'visemes  p b m  F1@20    gap':>28}" * 3)
    for name, seed in runs:
        found = options.out / f"{name}-{seed}.json"
        if not found.is_file():
            found.parent.mkdir(parents=True, exist_ok=True)
            found.write_text(json.dumps(measure(options, name, seed)))
        scores = json.loads(found.read_text())
        cells = ["".join(f"{scores[condition][column]:7.3f}" for column in COLUMNS) for condition in USUAL]
        print(f"{name:<12}" + "".join(cells))
        sys.stdout.flush()


def measure(options: argparse.Namespace, name: str, seed: int) -> dict[str, dict[str, float]]:
    """Train without one augmentation, and return the scores of all English by condition."""
    face = load_face()
    bank = build_bank(load_corpus(options.corpus), Articulation(face), options.out / "bank")
    without = () if name == "nothing" else (name,)
    config = TrainConfig(steps=options.steps, warmup=20, report=1e9, seed=seed, without=without)
    model = train(bank, face, options.out / "runs" / f"{name}-{seed}", config, start=load_model())
    scores = evaluate(options.speech, model.eval(), baselines=False)
    summaries = {"clean": scores["summary"], **scores["conditions"]}
    return {
        condition: {column: summary["groups"]["english"].get(column, summary.get(column)) for column in COLUMNS}
        for condition, summary in summaries.items()
    }


if __name__ == "__main__":
    main()
