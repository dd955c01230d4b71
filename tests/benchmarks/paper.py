"""Letters on paper against the same letters clean: ``python -m tests.benchmarks.paper [--run runs/<id>]``.

Prints what a network that was trained on letters makes of both, and what finding the ink costs. Without a run LeNet is
trained on ``Strokes`` first, for a minute.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from entreg.__main__ import main as entreg
from entreg.classifier import Classifier
from entreg.data.images.pictures import as_inputs
from entreg.data.images.sets.glyphs import TRAIN_FONTS
from entreg.data.images.sets.strokes import draw_letters
from entreg.inference import load
from entreg.runs import open_run, read_summary
from tests.benchmarks.timing import machine, print_table
from tests.data.images.paper import CLEAN, PAPERS, Paper, draw_on

TRAINING = [
    *("--data", "Strokes", "--data.train_size", "40000", "--model.net", "LeNet", "--model.loss", "cross_entropy"),
    *("--trainer.max_epochs", "14", "--trainer.precision", "32-true", "--trainer.accelerator", "cpu"),
    *("--trainer.logger", "false", "--trainer.enable_progress_bar", "false", "--figures", "false"),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", help="run that was trained on 26 letters")
    parser.add_argument("--letters", type=int, default=1040)
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        if not given.run:
            entreg(["fit", *TRAINING, "--runs", f"{folder}/runs"])
            (given.run,) = map(str, Path(folder, "runs").iterdir())
        run = open_run(given.run)
        model, data = load(run), read_summary(run)["data"]
        drawn, targets = draw_letters(TRAIN_FONTS, given.letters, 99, "paper")
        print(f"{given.letters} letters, {machine()}")
        rows = []
        for name, paper in {"clean": CLEAN, **PAPERS}.items():
            errors, seconds = _errors(model, data, drawn, targets, paper, Path(folder))
            clean, _ = _errors(model, data, drawn, targets, replace(CLEAN, thin=paper.thin), Path(folder))
            points = 100 * (errors - clean) / len(targets)
            rows.append([name, str(clean), str(errors), f"{points:+.2f}", f"{1e3 * seconds:.1f}"])
        print_table(["paper", "errors clean", "errors on it", "points of accuracy lost", "ms a picture"], rows)


def _errors(
    model: Classifier, data: dict, letters: Tensor, targets: Tensor, paper: Paper, folder: Path
) -> tuple[int, float]:
    """Errors in the letters drawn on a paper, and processor seconds a picture."""
    paths = _written(paper, letters, folder)
    began = time.process_time()
    inputs = as_inputs(paths, data)
    seconds = time.process_time() - began
    with torch.inference_mode():
        return int((model(inputs).argmax(1) != targets).sum()), seconds / len(paths)


def _written(paper: Paper, letters: Tensor, folder: Path) -> Sequence[Path]:
    paths = [folder / f"{i}.png" for i in range(len(letters))]
    for i, (path, letter) in enumerate(zip(paths, letters[:, 0].numpy(), strict=True)):
        Image.fromarray(draw_on(paper, letter, np.random.default_rng(i))).save(path, compress_level=1)
    return paths


if __name__ == "__main__":
    main()
