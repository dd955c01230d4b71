"""The pictures in a run folder, drawn from its predictions alone."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from entreg.files import atomic_path
from entreg.metrics import bin_confidences, confusion_diagram, confusion_matrix, reliability_diagram, top_label
from entreg.runs.folder import Run
from entreg.runs.predictions import read_predictions
from entreg.runs.scoring import DEFAULT_BINS
from entreg.runs.set_name import TEST, VAL


def draw_figures(run: Run, classes: Sequence[str], temperature: float | None, bins: int = DEFAULT_BINS) -> None:
    """Write ``figures/reliability-{val,test}.png``, as it is and at T side by side, and ``figures/confusion-test.png``.

    Args:
        run: run folder; of a split without predictions nothing is drawn.
        classes: names of the classes.
        temperature: T, if there is one.
        bins: bins of the reliability diagrams.
    """
    for split in (VAL, TEST):
        if not run.predictions(split).is_file():
            continue
        arrays = read_predictions(run.predictions(split))
        logits, targets = torch.from_numpy(arrays["logits"]), torch.from_numpy(arrays["targets"])
        states = {"as it is": bin_confidences(*top_label(logits, targets), bins)}
        if temperature is not None:
            scaled = logits.double() / temperature
            states[f"T = {temperature:.3g}"] = bin_confidences(*top_label(scaled, targets), bins)
        figures = {"reliability": reliability_diagram(states, split.stem)}
        if split == TEST:
            figures["confusion"] = confusion_diagram(confusion_matrix(logits, targets), classes, split.stem)
        for name, figure in figures.items():
            with atomic_path(run.figures / f"{name}-{split.stem}.png") as part:
                figure.savefig(part, dpi=150)
