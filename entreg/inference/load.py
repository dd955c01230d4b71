"""A run folder as a classifier in Python."""

from __future__ import annotations

import math
import os
from pathlib import Path

from entreg.classifier import Classifier
from entreg.inference.classifier import TrainedClassifier
from entreg.restore import restored
from entreg.runs import Run, open_run, read_config, read_summary
from entreg.trust import check_config

LETTERS = Path(__file__).parent / "letters-vgg5"
"""The run that comes with the package; its README says on what it was trained and measured."""


def load(run: Run | str | os.PathLike[str] = LETTERS, trust: bool = False) -> TrainedClassifier:
    """Build a run's classifier from its config and load the checkpoint chosen on validation, on the CPU.

    Args:
        run: a finished run, or its folder; default: VGG-5 of handwritten letters, which comes with the package.
        trust: whether its config may name any class, whose code then runs, see :mod:`entreg.trust`.

    Returns:
        the classifier in evaluation mode.

    Raises:
        ConfigError: if its config names a class that is not trusted, or not found, as one whose file is not in the
            working directory.
        RunError: if there is no such run, it is not finished, or its checkpoint cannot be opened or does not fit.
    """
    run = run if isinstance(run, Run) else open_run(run)
    module = restored(Classifier, run, trust=trust)
    summary = read_summary(run)
    if not trust:
        check_config({"encoder": summary["data"].get("encoder")}, run.summary)
    return TrainedClassifier(
        module,
        tuple(map(str, summary["classes"])),
        summary.get("temperature", math.nan),
        str(read_config(run)["trainer"].get("precision") or "32-true"),
        summary["data"],
    )
