"""MixUp and CutMix: targets mixed as the images are, a function of (seed, epoch, batch)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import torch

from entreg.__main__ import main
from entreg.data import Batch, Mix
from entreg.errors import ConfigError
from tests.conftest import TINY

KINDS = pytest.mark.parametrize("kind", ["mixup", "cutmix"])


def batch(n=6, first=0):
    """Image i is i + 1 everywhere, so that what it is mixed of can be read from it."""
    image = (torch.arange(n) + 1.0).view(n, 1, 1, 1).expand(n, 1, 20, 20).clone()
    return Batch(image, torch.arange(n) % 4, torch.arange(first, first + n))


@KINDS
def test_targets_say_what_the_images_are_made_of(kind):
    plain = batch()
    mixed = Mix(kind, alpha=1.0)(plain, num_classes=4, seed=0, epoch=0)
    assert mixed.target.shape == (6, 4)
    torch.testing.assert_close(mixed.target.sum(1), torch.ones(6))
    share = mixed.target[2, 2].item()  # of its own image; the partner is the image before it
    assert 0 < share < 1
    expected = share * plain.input[2].mean() + (1 - share) * plain.input[1].mean()
    assert mixed.input[2].mean().item() == pytest.approx(expected.item(), rel=1e-5)


@KINDS
def test_a_mix_is_a_function_of_seed_epoch_and_batch_and_leaves_the_generators_alone(kind):
    mix = Mix(kind, alpha=1.0)
    state = torch.get_rng_state()
    first = mix(batch(), 4, seed=0, epoch=0)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(99)
    assert torch.equal(mix(batch(), 4, seed=0, epoch=0).input, first.input)
    for other in (mix(batch(), 4, seed=1, epoch=0), mix(batch(), 4, seed=0, epoch=1), mix(batch(first=9), 4, 0, 0)):
        assert not torch.equal(other.target, first.target)


@pytest.mark.parametrize(("wrong", "message"), [({"kind": "blend"}, "mixup or cutmix"), ({"alpha": 0.0}, "> 0")])
def test_wrong_arguments_are_config_errors(wrong, message):
    with pytest.raises(ConfigError, match=message):
        Mix(**wrong)


def test_training_on_mixed_images_logs_their_loss_and_no_accuracy(fit, workplace: Path) -> None:
    run = fit("--data.mix", "{kind: cutmix, alpha: 1.0}")
    names = set(pd.read_csv(run.metrics).name)
    assert {"train/loss", "val/acc", "val/ece"} <= names
    assert not {"train/acc", "train/ece"} & names


def test_a_loss_that_takes_indices_only_is_refused_before_training(workplace, capsys) -> None:
    assert main(["fit", *TINY, "--model.loss", "mmce", "--data.mix", "{kind: mixup}"]) == 2
    error = capsys.readouterr().err
    assert "data.mix" in error
    assert "Traceback" not in error
    assert not Path("runs").exists()
