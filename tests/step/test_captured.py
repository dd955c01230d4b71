"""A step as a function of tensors that stay where they are is the step that Lightning does, to the bit."""

from __future__ import annotations

import re
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import GradientAccumulationScheduler, LambdaCallback, LearningRateMonitor
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.loggers.logger import Logger
from torch import Tensor, nn

from entreg.callbacks import (
    ClassificationMetrics,
    LossProgress,
    ObserveLoss,
    Reseed,
    StepGraph,
    StopOnNonFinite,
    graph,
)
from entreg.classifier import Classifier
from entreg.data import Mix, Warp, loaders
from entreg.losses import MixEntLoss
from entreg.step import CapturedStep, Guard, TrainingStep, capture, eligible
from tests.four_letters import FourLetters
from tests.step import recorded


class Net(nn.Sequential):
    dropout = 0.3

    def __init__(self, in_channels: int, num_classes: int) -> None:
        super().__init__(
            nn.Conv2d(in_channels, 4, 3),
            nn.BatchNorm2d(4),
            nn.Flatten(),
            nn.Dropout(self.dropout),
            nn.Linear(16, num_classes),
        )


class Rows(Logger):
    """Keeps what is logged, but for the clock."""

    name = version = "rows"

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[tuple[int | None, dict[str, float]]] = []

    def log_metrics(self, metrics: Any, step: int | None = None) -> None:
        self.rows.append((step, dict(metrics)))

    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        """Nothing."""


class OnCPU(StepGraph):
    """Captures on a CPU, where the step is called instead of replayed."""

    devices = ("cpu",)


class Watch(Callback):
    """Keeps what a user's callback sees."""

    def __init__(self) -> None:
        self.seen: list[tuple[Any, ...]] = []
        self.captured = False

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        parts = (outputs["loss"], outputs["logits"], batch.input, batch.target, batch.id)
        self.seen.append((trainer.global_step, *(part.detach().clone() for part in parts)))
        self.captured |= pl_module.captured is not None


@pytest.fixture(autouse=True)
def resident(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the samples for ones on a GPU."""
    monkeypatch.setattr(loaders, "on_device", lambda samples: True)
    monkeypatch.setattr(eligible, "on_device", lambda samples: True)


def train(
    captured: bool, *more: Callback, model: Classifier | None = None, mix: Mix | None = None, **options: Any
) -> Any:
    """Train two epochs; return the classifier, what was seen, and the trainer."""
    torch.manual_seed(0)
    if model is None:
        model = Classifier(MixEntLoss(schedule="grow"), net=Net, graph=captured)
    watch, finite = Watch(), StopOnNonFinite(None)
    trainer = Trainer(
        accelerator="cpu",
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        callbacks=[
            *more, OnCPU(finite), Reseed(0), LossProgress(), ClassificationMetrics(), ObserveLoss(2), finite, watch
        ],
        **{"max_epochs": 2, "gradient_clip_val": 0.5, "logger": False, **options},
    )  # fmt: skip
    trainer.fit(model, datamodule=FourLetters(batch_size=8, augment=Warp(), mix=mix))
    return model, watch, trainer


@pytest.mark.parametrize("mix", [None, Mix("cutmix", 1.0)])
def test_a_captured_training_is_the_uncaptured_one_to_the_bit(mix: Mix | None) -> None:
    rows = [Rows(), Rows()]
    (model, watch, trainer), (plain, expected, reference) = (
        train(wanted, mix=mix, logger=logger) for wanted, logger in zip((True, False), rows, strict=True)
    )
    assert rows[0].rows == rows[1].rows  # train/loss of the first epoch, grad/net before clipping, ...
    names = {name for _, row in rows[0].rows for name in row}
    assert {"grad/net", "train/loss", "loss/ce", "lr/net"} <= names
    assert (watch.captured, expected.captured) == (True, False)
    assert trainer.global_step == reference.global_step == len(expected.seen) == 10
    for name, value in plain.state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name
    for got, want in zip(watch.seen, expected.seen, strict=True):
        for one, other in zip(got, want, strict=True):
            assert torch.equal(one, other) if isinstance(one, Tensor) else one == other
    assert trainer.callback_metrics.keys() == reference.callback_metrics.keys()
    for name, value in reference.callback_metrics.items():
        assert torch.equal(trainer.callback_metrics[name], value), name


@pytest.mark.parametrize("mix", [None, Mix("cutmix", 1.0), Mix("mixup", 1.0)])
def test_a_replayed_training_is_the_eager_one(mix: Mix | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to rounding, as a graph reads its learning rates in float32; dropout aside, which draws once there."""
    monkeypatch.setattr(graph, "capture", recorded.capture)
    monkeypatch.setattr(Net, "dropout", 0.0)
    rows = [Rows(), Rows()]
    (_, watch, _), (_, expected, _) = (
        train(wanted, mix=mix, logger=logger) for wanted, logger in zip((True, False), rows, strict=True)
    )
    assert watch.captured
    for got, want in zip(watch.seen, expected.seen, strict=True):
        torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-5)
    for (step, row), (expected_step, expected_row) in zip(rows[0].rows, rows[1].rows, strict=True):
        assert step == expected_step
        assert row == pytest.approx(expected_row, rel=1e-3, abs=1e-5)


def test_rates_stay_numbers_and_schedules_and_monitors_see_them(tmp_path: Path) -> None:
    monitor = LearningRateMonitor("step")
    model, _, trainer = train(True, monitor, logger=CSVLogger(tmp_path), log_every_n_steps=1)
    rates = monitor.lrs["lr-AdamW/pg1"]
    assert len(set(rates)) > 5
    (optimizer,) = trainer.optimizers
    assert all(isinstance(group["lr"], float) for group in optimizer.param_groups)
    assert not any(group["capturable"] for group in optimizer.param_groups)
    assert model.captured is None  # let go of at the end


class Counts(MixEntLoss):
    """A loss that keeps a plain number, which somebody changes."""

    strength = 1.0

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        return self.strength * super().forward(logits, target)


class Strengthen(Callback):
    def on_train_epoch_start(self, trainer: Trainer, pl_module: Any) -> None:
        pl_module.loss.strength = 1.0 + trainer.current_epoch


class Momentum(Callback):
    """Changes an option of the optimizer in every step, as a cyclic momentum does."""

    def on_train_batch_start(self, trainer: Trainer, *_: Any) -> None:
        trainer.optimizers[0].param_groups[0]["betas"] = (0.9, 0.9 + 1e-3 * trainer.global_step)


class Looks(Callback):
    def on_after_backward(self, trainer: Trainer, pl_module: Any) -> None:
        """Any look at the gradients."""


def test_what_has_changed_is_captured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    captures: list[CapturedStep] = []
    monkeypatch.setattr(graph, "capture", lambda step: captures.append(capture(step)) or captures[-1])
    found = [
        train(wanted, Strengthen(), model=Classifier(Counts(), net=Net, graph=wanted))[0].state_dict()
        for wanted in (True, False)
    ]
    for name, value in found[1].items():
        assert torch.equal(found[0][name], value), name
    assert len(captures) == 2


class Replaces(Callback):
    """Puts another tensor in the place of the optimizer's, as loading a state can."""

    def on_train_epoch_start(self, trainer: Trainer, *_: Any) -> None:
        for state in trainer.optimizers[0].state.values():
            state["exp_avg"] = state["exp_avg"].clone()


def test_a_step_whose_tensors_have_moved_is_captured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    captures: list[CapturedStep] = []
    monkeypatch.setattr(graph, "capture", lambda step: captures.append(recorded.capture(step)) or captures[-1])
    monkeypatch.setattr(Net, "dropout", 0.0)
    _, watch, _ = train(True, Replaces())
    _, expected, _ = train(False, Replaces())
    assert len(captures) == 2
    torch.testing.assert_close(watch.seen[-1], expected.seen[-1], rtol=1e-4, atol=1e-5)


class Peeks(Callback):
    """Looks at a batch before its step."""

    def __init__(self) -> None:
        self.seen: list[Tensor] = []

    def on_train_batch_start(self, trainer: Trainer, pl_module: Any, batch: Any, batch_idx: int) -> None:
        self.seen.append(batch.input.clone())


def test_callbacks_that_look_at_a_batch_before_its_step_see_it() -> None:
    peeks, expected = Peeks(), Peeks()
    train(True, peeks)
    train(False, expected)
    assert all(torch.equal(got, want) for got, want in zip(peeks.seen, expected.seen, strict=True))


class Fails(Callback):
    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        if trainer.global_step == 3:
            raise ArithmeticError


def test_a_step_is_let_go_of_when_a_training_fails() -> None:
    model = Classifier(MixEntLoss(), net=Net)
    with pytest.raises(ArithmeticError):
        train(True, Fails(), model=model)
    assert model.captured is None


def test_what_changes_in_every_step_is_not_captured(capsys: pytest.CaptureFixture[str]) -> None:
    model, _, _ = train(True, Momentum())
    plain, _, _ = train(False, Momentum())
    assert "training runs without a CUDA graph: the options of the optimizer, or modules" in capsys.readouterr().out
    for name, value in plain.state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name


class Own(Classifier):
    def training_step(self, batch: Any, batch_idx: int) -> Any:
        return super().training_step(batch, batch_idx)


@pytest.mark.parametrize(
    ("more", "options", "reason"),
    [
        ([Looks()], {}, r"Looks looks into the step \(on_after_backward\)"),
        ([], {"accumulate_grad_batches": 2}, "gradients are accumulated"),
        (
            [LambdaCallback(on_after_backward=lambda *_: None)],
            {},
            r"LambdaCallback looks into the step \(on_after_backward\)",
        ),
        (
            [GradientAccumulationScheduler({1: 2})],
            {},
            "GradientAccumulationScheduler changes how steps are made",
        ),
        ([], {"detect_anomaly": True}, "anomalies are being detected"),
        ([], {"model": lambda: Own(MixEntLoss(), net=Net)}, "Own has its own training_step"),
        (
            [],
            {"model": lambda: Classifier(MixEntLoss(), net=Net, optimizer=lambda p: torch.optim.SGD(p, lr=0.1))},
            "it takes a fused Adam or AdamW, not SGD",
        ),
    ],
)
def test_what_cannot_be_captured_runs_and_says_why(
    more: list[Callback], options: dict[str, Any], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {name: value() if name == "model" else value for name, value in options.items()}
    _, watch, trainer = train(True, *more, **options)
    assert not watch.captured
    assert trainer.global_step > 5
    said = [line for line in capsys.readouterr().out.splitlines() if "CUDA graph" in line]
    assert len(said) == 1
    assert re.fullmatch(f"training runs without a CUDA graph: {reason}", said[0])


class Breaks(nn.Module):
    """A loss that cannot be captured."""

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        raise RuntimeError("it waits for the device")


def test_a_step_that_breaks_off_leaves_no_trace() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(16, 4), nn.BatchNorm1d(4))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    model = Classifier(Breaks(), lambda *_: net, num_classes=4, in_channels=1)
    model.net = net
    optimizer = torch.optim.AdamW(net.parameters(), fused=True)
    data = FourLetters(batch_size=8)
    data.setup()
    step = TrainingStep(
        model, data, optimizer, Guard(net, optimizer, torch.device("cpu")), None, lambda: None, nullcontext,
        torch.arange(8), 0,
    )  # fmt: skip
    with pytest.raises(RuntimeError, match="waits for the device"):
        capture(step)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
