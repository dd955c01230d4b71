"""A training step makes few operations, and none that waits: counted on a CPU against a bare loop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from lightning.pytorch import Callback, Trainer
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from entreg.callbacks import (
    ClassificationMetrics,
    LossProgress,
    ObserveLoss,
    Reseed,
    StepGraph,
    StopOnNonFinite,
    Throughput,
)
from entreg.classifier import Classifier
from entreg.data import ImageDataModule, Mix
from entreg.losses import CrossEntropyLoss
from entreg.models import VGG5

STEP = 3  # which is counted: everything is warm, nothing is logged
OPERATIONS = 1.25  # of those of the bare loop


class Letters(ImageDataModule):
    classes = tuple("abcdefghijklmnopqrstuvwxyz")
    default_mean, default_std = (0.5,), (0.5,)

    def load(self, train: bool) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(int(train))
        images = torch.randint(256, (104, 1, 28, 28), dtype=torch.uint8, generator=generator)
        return images, torch.arange(104) % 26


def counted(profiler: Any) -> tuple[int, int]:
    """Operations, and how many of them read a number."""
    names = Counter(event.name for event in profiler.events() if event.name.startswith("aten::"))
    return sum(names.values()), names["aten::_local_scalar_dense"]


class First(Callback):
    """Begins to count before all other callbacks."""

    profiler: Any = None

    def on_train_batch_start(self, trainer: Trainer, *_: Any) -> None:
        if trainer.global_step == STEP:
            self.profiler = profile(activities=[ProfilerActivity.CPU])
            self.profiler.__enter__()


class Last(Callback):
    """Stops after them."""

    def __init__(self, first: First) -> None:
        self.first = first

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        if trainer.global_step == STEP + 1:
            self.first.profiler.__exit__(None, None, None)


def of_entreg(precision: Any, data: Letters, loss: nn.Module | None = None) -> tuple[int, int]:
    first, finite = First(), StopOnNonFinite(None)
    trainer = Trainer(
        accelerator="cpu",
        precision=precision,
        max_epochs=1,
        limit_val_batches=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        callbacks=[
            first, StepGraph(finite), Reseed(0), LossProgress(), Throughput(), ClassificationMetrics(), ObserveLoss(),
            finite, Last(first),
        ],
    )  # fmt: skip
    trainer.fit(Classifier(loss or CrossEntropyLoss()), datamodule=data)
    return counted(first.profiler)


def of_a_bare_loop(precision: str, data: Letters) -> tuple[int, int]:
    model = Classifier(CrossEntropyLoss())
    net = VGG5(1, 26).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.05, fused=True)
    assert model.make_schedule is not None
    schedule = model.make_schedule(optimizer, 100)
    batches = iter(data.train_dataloader())

    def step() -> None:
        batch = data.transform(next(batches), 0)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16-mixed"):
            logits = net(batch.input.contiguous(memory_format=torch.channels_last))
            loss = F.cross_entropy(logits.float(), batch.target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()

    return _counted_once_warm(step)


def _counted_once_warm(step: Callable[[], None]) -> tuple[int, int]:
    for _ in range(STEP):
        step()
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        step()
    return counted(profiler)


def test_mixed_targets_are_not_read() -> None:
    loss = CrossEntropyLoss(validate_args=False)  # as on a GPU, where no value is checked
    mixed, plain = (of_entreg("32-true", Letters(batch_size=4, mix=mix), loss)[1] for mix in (Mix(), None))
    assert mixed == plain


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_a_step_makes_few_operations_and_reads_no_number(precision: str) -> None:
    data = Letters(batch_size=4)
    (ours, reads), (bare, reads_of_the_optimizer) = of_entreg(precision, data), of_a_bare_loop(precision, data)
    assert bare > 1000
    assert ours <= OPERATIONS * bare
    assert reads == reads_of_the_optimizer
