"""Pictures of a run, from its predictions alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from matplotlib.image import imread

from entreg.runs import Run, write_predictions
from entreg.runs.figures import draw_figures


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = Run(tmp_path / "run-1234")
    for split in ("val", "test"):
        logits = torch.randn(60, 3, generator=torch.Generator().manual_seed(0))
        write_predictions(run.predictions(split), logits, torch.arange(60) % 3, torch.arange(60))
    return run


def names(run: Run) -> set[str]:
    return {path.name for path in run.figures.iterdir()}


def test_both_splits_and_the_confusion_of_test_are_drawn_with_a_second_diagram_at_a_temperature(run: Run) -> None:
    draw_figures(run, "abc", temperature=None)
    alone = imread(run.figures / "reliability-test.png").shape[1]
    draw_figures(run, "abc", temperature=1.5)
    assert imread(run.figures / "reliability-test.png").shape[1] > 1.5 * alone
    assert names(run) == {"reliability-val.png", "reliability-test.png", "confusion-test.png"}


def test_a_split_without_predictions_is_not_drawn(run: Run) -> None:
    run.predictions("test").unlink()
    draw_figures(run, "abc", temperature=None)
    assert names(run) == {"reliability-val.png"}
