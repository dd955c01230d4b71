"""``entreg predict``: a run's classifier on a user's own pictures, texts or vectors. Needs no data set."""

from __future__ import annotations

import csv
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import torch
from torch import Tensor

from entreg.cli.parser import CommandParser
from entreg.console import print_line
from entreg.data.images.ink import Polarity
from entreg.data.images.pictures import as_input, check_takes_pictures, picture_files
from entreg.data.texts.read import read_texts
from entreg.data.vectors.prepared import features_of
from entreg.errors import DataError
from entreg.files import atomic_path, check_target
from entreg.inference import LETTERS, Predictions, TrainedClassifier, load
from entreg.runs import Run, open_run
from entreg.text import for_csv, shown

_SCORES = ("class", "confidence", "entropy", "confidence_at_T")
COLUMNS = ("file", *_SCORES, "error")
_BATCH = 256


def main(args: Sequence[str]) -> None:
    """Run ``entreg predict [--run DIR] --images PATH | --texts FILE | --vectors FILE [--out FILE]``.

    Raises:
        ConfigError: on wrong usage.
        RunError: if the run has no best checkpoint, or the file cannot be written.
        DataError: if there is nothing to classify, none of it can be read, or the run was trained on something else.
    """
    parser = CommandParser(
        prog="entreg predict", description="Classify pictures, texts or vectors with the best checkpoint of a run."
    )
    parser.add_argument(
        "--run", type=Path, help="run folder (default: VGG-5 of handwritten letters, which comes with the package)"
    )
    kinds = parser.add_mutually_exclusive_group(required=True)
    kinds.add_argument("--images", type=Path, help="a picture, or a folder of pictures")
    kinds.add_argument("--texts", type=Path, help="a text a line (.txt), or a column text (.csv, .jsonl, .parquet)")
    kinds.add_argument(
        "--vectors", type=Path, help="the columns that the run was trained on (.csv, .jsonl, .parquet, .npz, .npy)"
    )
    parser.add_argument(
        "--out",
        type=Path,
        help=f"CSV file to write (default: predictions/<kind>.csv in the run folder; without --run {LETTERS.name}.csv)",
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
    run = open_run(given.run or LETTERS)
    kind = next(kind for kind in ("images", "texts", "vectors") if getattr(given, kind) is not None)
    out = given.out or (run.path / "predictions" / f"{kind}.csv" if given.run else Path(f"{LETTERS.name}.csv"))
    check_target(out)
    if kind == "images":
        _classify_pictures(run, given, out)
        return
    of_kind = classify_texts if kind == "texts" else classify_vectors
    rows = list(of_kind(load(run, given.trust), getattr(given, kind)))
    _write(out, rows)
    _print_some(rows, f"{len(rows)} {kind}: {out}")


def _classify_pictures(run: Run, given: Namespace, out: Path) -> None:
    rows = list(classify(run, picture_files(given.images), given.polarity, given.trust))
    unread = [row for row in rows if row["error"]]
    if len(unread) == len(rows):
        others = f"; nor could any other of {len(rows)} pictures be read" if len(rows) > 1 else ""
        raise DataError(_complaint(rows[0]) + others)
    _write(out, rows)
    for row in unread:
        print(f"entreg: {shown(_complaint(row))}", file=sys.stderr)
    read = [row for row in rows if not row["error"]]
    _print_some(read, f"{len(rows)} pictures{f', {len(unread)} of them unreadable' if unread else ''}: {out}")


def _write(out: Path, rows: Sequence[Mapping[str, str]]) -> None:
    with atomic_path(out) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows({key: for_csv(value) for key, value in row.items()} for row in rows)


def _print_some(rows: Sequence[Mapping[str, str]], last: str) -> None:
    for row in rows[:10]:
        print_line(f"{next(iter(row.values()))}: {row['class']} ({float(row['confidence']):.1%})")
    print_line(last)


def classify_texts(classifier: TrainedClassifier, path: Path) -> Iterator[dict[str, str]]:
    """Classify the texts of a file; yields a row for each: the text, and what :func:`classify` says of a picture.

    Raises:
        DataError: if the run was not trained on texts, or the file cannot be read or lacks a text.
    """
    if not classifier.takes_texts:
        raise DataError("the run was not trained on texts, so it takes none")
    texts = read_texts(path, classifier.data.get("text", "text"))
    for text, said in zip(texts, _scores(classifier.predict(texts)), strict=True):
        yield {"text": text} | said


def classify_vectors(classifier: TrainedClassifier, path: Path) -> Iterator[dict[str, str]]:
    """Classify the vectors of a file; yields a row for each: its number from 1, and what :func:`classify` says.

    Raises:
        DataError: see :func:`entreg.data.vectors.prepared.features_of`.
    """
    found = classifier.predict(features_of(path, classifier.data))
    for row, said in enumerate(_scores(found)):
        yield {"row": str(row + 1)} | said


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
