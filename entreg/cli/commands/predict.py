"""``entreg predict --images``: a run's classifier on a user's own pictures. Needs the run folder and no data set."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import torch
from torch import Tensor

from entreg.cli.parser import CommandParser
from entreg.console import print_line
from entreg.data.images.ink import Polarity
from entreg.data.images.pictures import as_input, check_takes_pictures, picture_files
from entreg.errors import DataError
from entreg.files import atomic_path, check_target
from entreg.inference import Predictions, load
from entreg.runs import Run, open_run
from entreg.text import for_csv, shown

COLUMNS = ("file", "class", "confidence", "entropy", "confidence_at_T", "error")
_BATCH = 256


def main(args: Sequence[str]) -> None:
    """Run ``entreg predict --run DIR --images PATH [--out FILE]``.

    Raises:
        ConfigError: on wrong usage.
        RunError: if the run has no best checkpoint, or the file cannot be written.
        DataError: if there is no picture, or none can be read.
    """
    parser = CommandParser(prog="entreg predict", description="Classify pictures with the best checkpoint of a run.")
    parser.add_argument("--run", required=True, help="run folder")
    parser.add_argument("--images", required=True, type=Path, help="a picture, or a folder of pictures")
    parser.add_argument(
        "--out", type=Path, help="CSV file to write (default: predictions/images.csv in the run folder)"
    )
    parser.add_argument(
        "--polarity",
        choices=get_args(Polarity),
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
    unread = [row for row in rows if row["error"]]
    if len(unread) == len(rows):
        others = f"; nor could any other of {len(rows)} pictures be read" if len(rows) > 1 else ""
        raise DataError(_complaint(rows[0]) + others)
    with atomic_path(out) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=COLUMNS)
        writer.writeheader()
        writer.writerows({key: for_csv(value) for key, value in row.items()} for row in rows)
    for row in unread:
        print(f"entreg: {shown(_complaint(row))}", file=sys.stderr)
    for row in [row for row in rows if not row["error"]][:10]:
        print_line(f"{row['file']}: {row['class']} ({float(row['confidence']):.1%})")
    print_line(f"{len(rows)} pictures{f', {len(unread)} of them unreadable' if unread else ''}: {out}")


def classify(
    run: Run, paths: Sequence[Path], polarity: Polarity = "auto", trust: bool = False
) -> Iterator[dict[str, str]]:
    """Classify pictures; yields a row of :data:`COLUMNS` for each: entropy in nats, confidence at T.

    The latter is what the temperature that was fitted on validation makes of the confidence, ``nan`` where
    it is undetermined.
    The row of a picture that cannot be read holds its file and the error alone.

    Raises:
        RunError: if the run is not finished.
        DataError: if it was not trained on square images.
    """
    classifier = load(run, trust)
    check_takes_pictures(classifier.data)
    for start in range(0, len(paths), _BATCH):
        batch = paths[start : start + _BATCH]
        read = [_read(path, classifier.data, polarity) for path in batch]
        images = [image for image in read if isinstance(image, Tensor)]
        scores = _scores(classifier.predict(torch.stack(images))) if images else iter(())
        for path, image in zip(batch, read, strict=True):
            said = next(scores) if isinstance(image, Tensor) else {"error": str(image).removeprefix(f"{path}: ")}
            yield dict.fromkeys(COLUMNS, "") | {"file": str(path)} | said


def _read(path: Path, data: Mapping[str, Any], polarity: Polarity) -> Tensor | DataError:
    try:
        return as_input(path, data, polarity)
    except DataError as error:
        return error


def _scores(found: Predictions) -> Iterator[dict[str, str]]:
    """What the network says of each input."""
    numbers = zip(found.probabilities.max(1), found.entropy, found.calibrated.max(1), strict=True)
    for name, row in zip(found.classes, numbers, strict=True):
        certain, entropy, at_t = (f"{number:.6f}" for number in row)
        yield {"class": str(name), "confidence": certain, "entropy": entropy, "confidence_at_T": at_t}


def _complaint(row: Mapping[str, str]) -> str:
    return f"{row['file']}: {row['error']}"
