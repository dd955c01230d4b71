from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import pytest
import torch
from lightning.pytorch import Trainer
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from entreg.classifier import Classifier
from entreg.data import Batch
from entreg.errors import ConfigError, DataError
from entreg.losses import CrossEntropyLoss, MinEntLoss, MixEntLoss
from entreg.preflight import first_mismatch
from tests.four_letters import FourLetters, Tiny, trained


def test_coefficients_are_a_group_of_their_own_and_move() -> None:
    classifier = Classifier(MinEntLoss(), Tiny, loss_lr=1e-3)
    before = {name: p.detach().clone() for name, p in classifier.loss.named_parameters()}
    trainer = trained(classifier)
    net, loss = trainer.optimizers[0].param_groups
    assert {id(p) for p in net["params"]} == {id(p) for p in classifier.net.parameters()}
    assert {id(p) for p in loss["params"]} == {id(p) for p in classifier.loss.parameters()}
    assert (net["initial_lr"], loss["initial_lr"]) == (2e-3, 1e-3)
    assert (net["weight_decay"], loss["weight_decay"]) == (0.05, 0.0)
    assert loss["lr"] / loss["initial_lr"] == pytest.approx(net["lr"] / net["initial_lr"])
    assert all(not torch.equal(before[name], p) for name, p in classifier.loss.named_parameters())


def test_a_loss_without_parameters_adds_no_group() -> None:
    assert len(trained(Classifier(CrossEntropyLoss(), Tiny)).optimizers[0].param_groups) == 1


@pytest.mark.parametrize("algorithm", ["norm", "value"])
def test_clipping_touches_the_network_only(algorithm: str) -> None:
    classifier = Classifier(
        MinEntLoss(),
        Tiny,
        partial(torch.optim.SGD, lr=1.0),
        schedule=None,
        loss_lr=1.0,
        num_classes=4,
        in_channels=1,
    )
    classifier.configure_model()
    for parameter in classifier.parameters():
        parameter.grad = torch.full_like(parameter, 10.0)
    optimizer = torch.optim.SGD(classifier.parameters(), lr=1.0)
    classifier.configure_gradient_clipping(optimizer, 0.5, algorithm)
    assert all((p.grad.abs() <= 0.5).all() for p in classifier.net.parameters())
    assert all((p.grad == 10.0).all() for p in classifier.loss.parameters())


def test_compiled_and_plain_checkpoints_have_the_same_keys() -> None:
    plain, compiled = (
        Classifier(MinEntLoss(), Tiny, num_classes=4, in_channels=1, compile=flag) for flag in (False, True)
    )
    for classifier in (plain, compiled):
        classifier.configure_model()
    assert plain.state_dict().keys() == compiled.state_dict().keys()


def test_a_step_hands_over_detached_logits() -> None:
    classifier = Classifier(MinEntLoss(), Tiny, num_classes=4, in_channels=1)
    classifier.configure_model()
    batch = Batch(torch.randn(3, 1, 4, 4), torch.tensor([0, 1, 2]), torch.arange(3))
    output = classifier.training_step(batch, 0)
    assert output["loss"].requires_grad
    assert not output["logits"].requires_grad
    assert torch.equal(output["loss"], classifier.loss(output["logits"], batch.target))


def test_plain_python_gets_scores_and_a_clock_for_the_loss(capsys: pytest.CaptureFixture[str]) -> None:
    classifier = Classifier(MixEntLoss(schedule="grow"), Tiny)
    trainer = trained(classifier)
    assert trainer.callback_metrics["val/n"] > 0
    assert {"train/acc", "val/acc", "val/ece"} <= trainer.callback_metrics.keys()
    assert classifier.loss.coefficients.progress == pytest.approx(1 - 1 / trainer.global_step)
    letters, noise = trainer.test(classifier, FourLetters(batch_size=8, ood=["noise"]))
    assert letters["test/n"] == 80
    assert noise == {}  # not the scores of the letters
    (alone,) = trainer.test(classifier, FourLetters(batch_size=8, ood=[]))  # after a test of several sets
    assert alone == letters
    assert len({type(callback) for callback in trainer.callbacks}) == len(trainer.callbacks)


def test_targets_of_loaders_that_do_not_count_are_left_out() -> None:
    generator = torch.Generator().manual_seed(0)
    inputs, targets = torch.randn(30, 1, 4, 4, generator=generator), torch.arange(30) % 4
    targets[:12] = -100  # the first batch is ignored as a whole
    batches = [Batch(*(t[start : start + 10] for t in (inputs, targets, torch.arange(30)))) for start in (0, 10, 20)]
    classifier = Classifier(CrossEntropyLoss(), Tiny, num_classes=4, in_channels=1)
    trainer = Trainer(accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False)
    (found,) = trainer.test(classifier, DataLoader(batches, batch_size=None), verbose=False)
    with torch.no_grad():
        logits = classifier(inputs)
    assert found["test/n"] == 18
    assert found["test/acc"] == pytest.approx((logits.argmax(1) == targets).sum().item() / 18)
    assert found["test/errors"] == 18 - (logits.argmax(1) == targets).sum()
    expected = torch.nn.functional.cross_entropy(logits, targets).item()
    assert (found["test/loss"], found["test/nll"]) == (pytest.approx(expected), pytest.approx(expected))


def test_a_loader_of_pairs_is_told_what_batches_are() -> None:
    pairs = TensorDataset(torch.zeros(8, 1, 4, 4), torch.arange(8) % 4)
    classifier = Classifier(CrossEntropyLoss(), Tiny, num_classes=4, in_channels=1)
    trainer = Trainer(accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False)
    for step in (trainer.fit, trainer.test, trainer.predict):
        with pytest.raises(
            DataError, match=r"^batches are entreg\.data\.Batch\(input, target, id\), got a list of 2: let"
        ):
            step(classifier, DataLoader(pairs, batch_size=4))
    triples = [Batch(*pair, number) for number, pair in enumerate(pairs)]
    assert len(trainer.predict(classifier, DataLoader(triples, batch_size=4))) == 2


def test_a_trainer_that_overfits_a_few_batches_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"^trainer\.overfit_batches 2 is not supported, .* set data\.damage\.fraction"
    ):
        trained(Classifier(CrossEntropyLoss(), Tiny), overfit_batches=2)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"a": torch.zeros(2)}, None),
        ({}, "has no a"),
        ({"a": torch.zeros(3)}, r"a is \(3,\) in it, expected \(2,\)"),
        ({"a": torch.zeros(2), "b": torch.zeros(1)}, "has b besides"),
    ],
)
def test_first_mismatch(found: dict[str, torch.Tensor], words: str | None) -> None:
    import re

    answer = first_mismatch({"a": torch.zeros(2)}, found)
    assert answer is None if words is None else re.search(words, answer)


@pytest.mark.parametrize("precision", ["bf16-true", "64-true"])
def test_images_take_the_dtype_of_a_network_of_another_precision(precision: str) -> None:
    classifier = Classifier(CrossEntropyLoss(), net=Tiny)
    trained(classifier, precision=precision)
    assert next(classifier.net.parameters()).dtype == (torch.bfloat16 if precision == "bf16-true" else torch.float64)


def test_a_schedule_by_epochs_is_told_their_number_and_needs_it() -> None:
    asked: list[int] = []

    def schedule(optimizer: torch.optim.Optimizer, total: int) -> torch.optim.lr_scheduler.LRScheduler:
        asked.append(total)
        return torch.optim.lr_scheduler.ConstantLR(optimizer)

    options = {"net": Tiny, "schedule": schedule, "schedule_interval": "epoch"}
    trained(Classifier(CrossEntropyLoss(), **options), max_epochs=3)
    assert asked == [3]
    with pytest.raises(ConfigError, match=r"set trainer.max_epochs"):
        trained(Classifier(CrossEntropyLoss(), **options), max_epochs=-1, max_steps=7)


def test_weights_of_another_shape_and_the_same_size_do_not_fit() -> None:
    assert first_mismatch({"a": torch.zeros(2, 3)}, {"a": torch.zeros(3, 2)}) == "a is (3, 2) in it, expected (2, 3)"


def test_a_fused_optimizer_that_is_given_scaled_gradients_cannot_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    sgd = partial(torch.optim.SGD, lr=1.0, fused=True)
    classifier = Classifier(MinEntLoss(), Tiny, sgd, schedule=None, num_classes=4, in_channels=1)
    classifier.configure_model()
    plugin = SimpleNamespace(scaler=object())
    monkeypatch.setattr(Classifier, "trainer", SimpleNamespace(precision_plugin=plugin, gradient_clip_val=1.0))
    with pytest.raises(ConfigError, match=r"^trainer.gradient_clip_val: with precision 16-mixed"):
        classifier.configure_optimizers()
    plugin.scaler = None
    classifier.configure_optimizers()


class Volumes(nn.Module):
    def __init__(self, in_channels: int, num_classes: int) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Conv3d(in_channels, num_classes, 3), nn.AdaptiveAvgPool3d(1), nn.Flatten())

    def forward(self, volume: torch.Tensor) -> torch.Tensor:
        return self.net(volume)


def test_a_network_of_volumes_is_laid_out_as_it_is() -> None:
    classifier = Classifier(MinEntLoss(), Volumes, num_classes=4, in_channels=2)
    classifier.configure_model()
    assert classifier.net(torch.zeros(3, 2, 5, 5, 5)).shape == (3, 4)
