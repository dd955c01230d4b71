"""The samples that the arms disagree on, with their pictures and labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from scipy.special import softmax

from entreg.compare import Analysis, analyse, read_logits, read_study
from entreg.compare.report import Pictures, plots
from tests.compare.run_folders import CLASSES, write_study


def numbered(ids: torch.Tensor) -> list[np.ndarray]:
    """A picture of each sample whose pixels are its id."""
    return [np.full((8, 8), i % 256, np.uint8) for i in ids.tolist()]


def test_the_samples_that_are_disagreed_on_most_come_first_with_their_labels(analysis: Analysis) -> None:
    figure = plots.disagreements(analysis, Pictures(numbered, CLASSES), count=7)
    shown = [ax for ax in figure.axes if ax.images]
    assert len(shown) == 7
    arms = [
        np.mean([softmax(read_logits(run, "test")[0].numpy(), 1) for run in arm], 0)
        for arm in analysis.study.arms.values()
    ]
    _, targets = read_logits(analysis.study.results[0], "test")
    true = np.array([p[np.arange(400), targets.numpy()] for p in arms])
    worst = int((true.max(0) - true.min(0)).argmax())
    assert (shown[0].images[0].get_array() == worst % 256).all()
    title = shown[0].get_title().splitlines()
    assert title[0] == f"true: {CLASSES[targets[worst]]}"
    said = {
        f"{label}: {CLASSES[p[worst].argmax()]} {p[worst].max():.0%}"
        for label, p in zip(analysis.study.arms, arms, strict=True)
    }
    assert set(title[1:]) == said


def test_one_arm_disagrees_with_none_and_what_cannot_be_seen_is_not_drawn(analysis: Analysis, tmp_path: Path) -> None:
    alone = analyse(read_study(write_study(tmp_path, 1, mix_ent=1.0)))
    assert plots.disagreements(alone, Pictures(numbered, CLASSES)) is None
    assert plots.disagreements(analysis, Pictures(lambda ids: None, CLASSES)) is None
