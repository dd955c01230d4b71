from __future__ import annotations

import csv

import pytest
import torch
from netcal.metrics import ECE

from entreg.callbacks import ClassificationMetrics
from entreg.runs import Run, read_predictions, read_summary


def logged(run: Run) -> list[tuple[int, str, float]]:
    """Step, name and value of each row."""
    with run.metrics.open() as file:
        return [(int(row["step"]), row["name"], float(row["value"])) for row in csv.DictReader(file)]


def test_logged_scores_are_those_of_the_predictions(finished: Run) -> None:
    last = {name: value for _, name, value in logged(finished)}
    for split in ("val", "test"):
        arrays = read_predictions(finished.predictions(split))
        logits, target = torch.from_numpy(arrays["logits"]), torch.from_numpy(arrays["targets"])
        p = logits.softmax(1)
        one_hot = torch.nn.functional.one_hot(target, 26)
        expected = {
            "acc": (logits.argmax(1) == target).double().mean(),
            "nll": torch.nn.functional.cross_entropy(logits, target),
            "brier": (p - one_hot).square().sum(1).mean(),
            "entropy": torch.distributions.Categorical(logits=logits).entropy().mean(),
            "confidence": p.amax(1).mean(),
            "ece": torch.tensor(ECE(15).measure(p.double().numpy(), arrays["targets"])),
        }
        scores = read_summary(finished)[split]
        for key, value in expected.items():
            assert abs(scores[key] - float(value)) < 1e-6, key
            assert abs(last[f"{split}/{key}"] - float(value)) < 1e-6, key


def test_every_epoch_logs_train_and_val(finished: Run) -> None:
    for key in ("train/acc", "train/ece", "train/loss", "val/acc", "val/ece", "val/nll", "val/errors"):
        steps = [step for step, name, _ in logged(finished) if name == key]
        assert steps[:2] == [4, 9], key


def test_bins_are_a_number() -> None:
    with pytest.raises(ValueError, match=r"^metrics.bins is a number >= 1, got 0$"):
        ClassificationMetrics(bins=0)
