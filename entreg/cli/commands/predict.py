"""``entreg predict --images``: a run's classifier on a user's own pictures. Needs the run folder and no data set."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from entreg.cli.parser import CommandParser
from entreg.console import print_line
from entreg.data.images.pictures import as_inputs, picture_files
from entreg.files import atomic_path, check_target
from entreg.inference import load
from entreg.metrics.scores import predictive_entropy
from entreg.runs import Run, open_run, read_summary
from entreg.text import for_csv

_BATCH = 256


def main(args: Sequence[str]) -> None:
    """Run ``entreg predict --run DIR --images PATH [--out FILE]``.

    Raises:
        ConfigError: on wrong usage.
        RunError: if the run has no best checkpoint, or the file cannot be written.
        DataError: if there is no picture, or one cannot be read.
    """
    parser = CommandParser(prog="entreg predict", description="Classify pictures with the best checkpoint of a run.")
    parser.add_argument("--run", required=True, help="run folder")
    parser.add_argument("--images", required=True, type=Path, help="a picture, or a folder of pictures")
    parser.add_argument(
        "--out", type=Path, help="CSV file to write (default: predictions/images.csv in the run folder)"
    )
    parser.add_argument(
        "--polarity",
        choices=("auto", "dark", "light"),
        default="auto",
        help="whether the ink is dark on light or light on dark (default: whichever the border of the picture is not)",
    )
    parser.add_argument(
        "--trust", action="store_true", help="let the run's config name any class, whose code then runs"
    )
    given = parser.parse_args(list(args))
    run = open_run(given.run)
    out = given.out or run.path / "predictions" / "images.csv"
    check_target(out)
    rows = list(classify(run, picture_files(given.images), given.polarity, given.trust))
    with atomic_path(out) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows({key: for_csv(value) for key, value in row.items()} for row in rows)
    for row in rows[:10]:
        print_line(f"{row['file']}: {row['class']} ({float(row['confidence']):.1%})")
    print_line(f"{len(rows)} pictures: {out}")


def classify(run: Run, paths: Sequence[Path], polarity: str = "auto", trust: bool = False) -> Iterator[dict[str, str]]:
    """Classify pictures; yields a row for each: file, class, confidence, entropy in nats, confidence at T.

    The last is what the temperature that was fitted on validation makes of the confidence, ``nan`` without one.

    Raises:
        RunError: if the run is not finished.
        DataError: if a picture cannot be read.
    """
    summary = read_summary(run)
    model = load(run, trust)
    for start in range(0, len(paths), _BATCH):
        batch = paths[start : start + _BATCH]
        inputs = as_inputs(batch, summary["data"], polarity)
        with torch.inference_mode():
            logits = model(inputs).float()
        confidence, predicted = logits.softmax(1).max(1)
        calibrated = (logits.double() / summary.get("temperature", math.nan)).softmax(1).amax(1)
        for path, k, *numbers in zip(batch, predicted, confidence, predictive_entropy(logits), calibrated, strict=True):
            certain, entropy, at_t = (f"{float(number):.6f}" for number in numbers)
            named = {"file": str(path), "class": str(summary["classes"][int(k)])}
            yield {**named, "confidence": certain, "entropy": entropy, "confidence_at_T": at_t}
