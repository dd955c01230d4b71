from __future__ import annotations

import csv
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from netcal.metrics import ECE

from entreg.callbacks import ClassificationMetrics
from entreg.data import Batch
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


def collected() -> ClassificationMetrics:
    metrics = ClassificationMetrics()
    trainer: Any = SimpleNamespace(
        datamodule=SimpleNamespace(num_classes=3, soft_targets=False),
        strategy=SimpleNamespace(root_device=torch.device("cpu")),
    )
    metrics.setup(trainer, None, "fit")  # type: ignore[arg-type]
    return metrics


def test_the_logged_loss_is_a_mean_over_samples() -> None:
    metrics = collected()
    for size, value in ((3, 1.0), (1, 5.0)):
        batch = Batch(torch.zeros(size, 1), torch.zeros(size, dtype=torch.long), torch.arange(size))
        outputs = {"logits": torch.zeros(size, 3), "value": torch.tensor(value)}
        metrics.on_train_batch_end(None, None, outputs, batch)  # type: ignore[arg-type]
    assert metrics.training.compute()["loss"] == 2.0


def test_a_checkpoint_of_three_training_metrics_is_restored() -> None:
    metrics = collected()
    state = metrics.state_dict()
    state["train"] = {"acc.tp": torch.tensor(3), "ece.state": torch.full((3, 15), 2.0, dtype=torch.float64)}
    state["train-loss"] = {"loss.total": torch.tensor(12.0, dtype=torch.float64), "loss.count": torch.tensor(4)}
    metrics.load_state_dict(state)
    assert metrics.training.state.sum() == 90
    assert metrics.training.compute()["loss"] == 3.0
    del state["train"]  # as where targets were mixed
    metrics = collected()
    metrics.load_state_dict(state)
    assert metrics.training.compute() == {"loss": 3.0}


@pytest.mark.parametrize(("rank", "count"), [(0, 4), (1, 0)])
def test_the_first_process_alone_restores_the_sums(rank: int, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    before = collected()
    before.collections["val"].update(torch.zeros(4, 3), torch.zeros(4, dtype=torch.long))
    state = before.state_dict()
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: rank)
    after = collected()
    after.load_state_dict(state)
    assert int(after.collections["val"]["n"].total) == count
