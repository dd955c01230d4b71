"""Callbacks and loggers of Lightning's that people add: what they leave, and that a run is about one network."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from entreg.data import Strokes
from entreg.inference import load
from entreg.metrics import fit_temperature
from entreg.runs import Run, read_predictions, read_summary

SWAPS = """
from lightning.pytorch import Callback


class Swaps(Callback):
    # Validates other weights than are trained, as many an average of one's own does.
    def on_validation_start(self, trainer, pl_module):
        self.trained = {name: value.clone() for name, value in pl_module.state_dict().items()}
        pl_module.load_state_dict({name: 0.5 * value for name, value in self.trained.items()})

    def on_validation_end(self, trainer, pl_module):
        pl_module.load_state_dict(self.trained)
"""


def logits_of(run: Run) -> dict[str, np.ndarray]:
    """Logits of the network that best.ckpt holds."""
    data = Strokes(train_size=400, test_size=130)
    data.prepare_data()
    data.setup()
    classifier = load(run, trust=True)
    found = {}
    everything = torch.arange(len(data.test_set))
    for split, samples in (("val", data.train_set[data.val_ids]), ("test", data.test_set[everything])):
        batch = data.transform(samples, epoch=None)
        found[split] = classifier.logits(batch.input).numpy()[batch.id.argsort()]
    return found


def assert_one_network(run: Run) -> None:
    """best.ckpt holds what was validated when it was chosen, and predictions and temperature are its own."""
    log = pd.read_csv(run.metrics).pivot_table(index="step", columns="name", values="value")
    summary = read_summary(run)
    assert log["val/errors"].min() == summary["val"]["errors"]
    for split, logits in logits_of(run).items():
        np.testing.assert_allclose(read_predictions(run.predictions(split))["logits"], logits, atol=1e-5)
        assert (
            summary[split]["errors"] == (logits.argmax(1) != read_predictions(run.predictions(split))["targets"]).sum()
        )
    val = read_predictions(run.predictions("val"))
    expected = fit_temperature(torch.as_tensor(val["logits"]), torch.as_tensor(val["targets"]))
    assert summary["temperature"] == pytest.approx(float(expected), rel=1e-6)


CALLBACKS = {
    "EMAWeightAveraging": {"decay": 0.5},
    "WeightAveraging": {},
    "swaps.Swaps": {},
    "EarlyStopping": {"monitor": "val/acc", "mode": "max", "patience": 1, "min_delta": 1.0},
    "ModelCheckpoint": {"every_n_epochs": 1, "save_top_k": -1, "filename": "of-{epoch}"},
    "LearningRateMonitor": {},
    "DeviceStatsMonitor": {},
    "GradientAccumulationScheduler": {"scheduling": {0: 2, 1: 1}},
    "Timer": {"duration": "00:01:00:00"},
    "RichModelSummary": {},
}


@pytest.mark.parametrize("name", CALLBACKS)
def test_a_run_with_a_callback(name: str, fit: Callable[..., Run], workplace: Path) -> None:
    (workplace / "swaps.py").write_text(SWAPS)
    callbacks = [{"class_path": name, "init_args": CALLBACKS[name]}]
    options = ["--trainer.log_every_n_steps", "1", "--trainer.max_epochs", "3"]
    run = fit(*options, "--trainer.callbacks", json.dumps(callbacks))
    assert_one_network(run)
    log = pd.read_csv(run.metrics)
    if name == "EarlyStopping":
        assert log.step.max() == 5 * 2
    if name == "ModelCheckpoint":
        assert {path.name for path in run.checkpoint("best").parent.iterdir()} >= {"of-epoch=0.ckpt", "of-epoch=1.ckpt"}
    if name in ("LearningRateMonitor", "DeviceStatsMonitor"):
        assert log.name.str.startswith(("lr-", "DeviceStatsMonitor")).any()


@pytest.mark.parametrize(
    ("logger", "files"),
    [
        ({"class_path": "TensorBoardLogger", "init_args": {"save_dir": "logs"}}, "logs/**/events.out.tfevents.*"),
        ({"class_path": "MLFlowLogger", "init_args": {"tracking_uri": "sqlite:///logs.db"}}, "logs.db"),
        ({"class_path": "CSVLogger", "init_args": {"save_dir": "logs"}}, "logs/**/metrics.csv"),
    ],
)
def test_a_run_with_a_logger(logger: dict[str, Any], files: str, fit: Callable[..., Run]) -> None:
    run = fit("--trainer.logger", json.dumps(logger))
    assert_one_network(run)
    assert any(b"val/acc" in path.read_bytes() for path in Path().glob(files))


def test_a_profiler_reports(fit: Callable[..., Run], caplog: pytest.LogCaptureFixture) -> None:
    assert_one_network(fit("--trainer.profiler", "simple"))
    assert "optimizer_step" in caplog.text


def test_a_profiler_writes_into_the_run_folder(fit: Callable[..., Run]) -> None:
    profiler = {"class_path": "SimpleProfiler", "init_args": {"filename": "times"}}
    run = fit("--trainer.profiler", json.dumps(profiler), "--trainer.max_epochs", "1", "--evaluate", "false")
    assert "optimizer_step" in (run.path / "profile" / "fit-times.txt").read_text()
    assert [path.name for path in Path("runs").iterdir()] == [run.path.name]
