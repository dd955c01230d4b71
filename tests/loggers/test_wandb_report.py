from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import wandb
from lightning.pytorch.loggers import WandbLogger
from PIL import Image

from entreg.data import Strokes
from entreg.loggers.wandb_report import worst_errors
from entreg.runs import Run, read_predictions, read_summary
from entreg.runs.scoring import flatten
from tests.loggers.conftest import WANDB, Logged


def test_an_offline_run_holds_what_is_in_the_run_folder(logged: Logged) -> None:
    run, summary = logged.run, read_summary(logged.run)

    assert (logged.header.run_group, logged.header.job_type) == ("study", "fit")
    assert set(logged.header.tags) == {"mix_ent", "Strokes", "seed-3"}
    assert logged.config["arm"] == summary["arm"]

    scores = flatten({key: summary[key] for key in ("temperature", "val", "test", "ood")})
    assert {"test/errors", "test/acc", "test/scaled/ece", "ood/noise/msp/auroc", "temperature"} <= scores.keys()
    assert {key: logged.summary[key] for key in scores} == pytest.approx(scores)
    assert logged.summary["test/errors"] == summary["test"]["errors"]
    assert logged.summary["images_per_second"] == pytest.approx(summary["images_per_second"])

    for key, name in (("val/reliability_diagram", "reliability-val"), ("test/confusion", "confusion-test")):
        (picture,) = logged.history[key]["filenames"]
        assert logged.summary[f"{key}/filenames"] == [picture]
        assert (logged.files / picture).read_bytes() == (run.figures / f"{name}.png").read_bytes()


def test_the_table_shows_the_worst_errors_upright(logged: Logged) -> None:
    assert logged.history["test/worst_errors"]["nrows"] == 32
    table = json.loads(logged.artifacts["test/worst_errors.table.json"].read_text())
    assert table["columns"] == ["image", "true", "predicted", "confidence", "entropy", "loss", "id"]
    assert len(table["data"]) == 32

    arrays = read_predictions(logged.run.predictions("test"))
    logits, targets = torch.from_numpy(arrays["logits"]), arrays["targets"]
    data = Strokes(train_size=400, test_size=130)
    images, classes = data.load(train=False)[0], data.classes
    log_p = logits.log_softmax(1)
    for media, true, predicted, confidence, entropy, loss, sample in table["data"]:
        assert true == classes[targets[sample]] != predicted == classes[logits[sample].argmax()]
        assert confidence == pytest.approx(log_p[sample].max().exp().item())
        assert entropy == pytest.approx(-(log_p[sample].exp() * log_p[sample]).sum().item(), rel=1e-5)
        assert loss == pytest.approx(-log_p[sample, targets[sample]].item(), rel=1e-5)
        with Image.open(logged.artifacts[media["path"]]) as picture:
            assert (np.array(picture.convert("L")) == images[sample, 0].T.numpy()).all()
    losses = [row[5] for row in table["data"]]
    assert losses == sorted(losses, reverse=True)


def test_worst_errors_are_errors_only_and_as_many_as_asked_for() -> None:
    logits = torch.tensor([[0.0, 1.0], [0.0, 3.0], [0.0, 2.0], [5.0, 0.0]])
    target = torch.tensor([0, 0, 0, 0])
    assert worst_errors(logits, target).tolist() == [1, 2, 0]
    assert worst_errors(logits, target, count=2).tolist() == [1, 2]
    assert worst_errors(logits[3:], target[3:]).tolist() == []


def test_trouble_with_wandb_costs_no_results(
    fit: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise wandb.Error("the server is gone")

    monkeypatch.setattr(WandbLogger, "log_table", refuse)
    run = fit(*WANDB, "--trainer.max_epochs", "1")
    printed, folder = capsys.readouterr(), run.path.relative_to(Path.cwd())
    said = f"W&B: the server is gone; its report of the run is incomplete, all of it is in {folder}"
    assert printed.out.splitlines()[-1] == said
    summary = read_summary(run)
    assert summary["test"]["errors"] == round((1 - summary["test"]["acc"]) * 130)
    assert summary["wall_seconds"] > 0
    assert f"run folder: {folder}" in printed.out


def test_without_wandb_the_run_folder_holds_the_confusion_matrix(finished: Run) -> None:
    pictures = {path.name for path in finished.figures.iterdir()}
    assert pictures == {"reliability-val.png", "reliability-test.png", "confusion-test.png"}
    with Image.open(finished.figures / "confusion-test.png") as picture:
        assert min(picture.size) > 800
    assert not (finished.path / "wandb").exists()
