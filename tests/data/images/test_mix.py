"""MixUp and CutMix: targets mixed as the images are, a function of (seed, epoch, first sample)."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import torch

from entreg.__main__ import main
from entreg.data import Batch, Mix
from entreg.errors import ConfigError
from tests.conftest import TINY


def drawn(mix: Mix, seed=0, epoch=0, first=0):
    """What a batch is mixed by that begins with a sample."""
    return mix.table(20, seed, epoch)[first]


KINDS = pytest.mark.parametrize("kind", ["mixup", "cutmix"])


def batch(n=6, first=0):
    """Image i is i + 1 everywhere, so that what it is mixed of can be read from it."""
    image = (torch.arange(n) + 1.0).view(n, 1, 1, 1).expand(n, 1, 20, 20).clone()
    return Batch(image, torch.arange(n) % 4, torch.arange(first, first + n))


@KINDS
def test_targets_say_what_the_images_are_made_of(kind):
    plain = batch()
    mix = Mix(kind, alpha=1.0)
    mixed = mix(plain, num_classes=4, drawn=drawn(mix))
    assert mixed.target.shape == (6, 4)
    torch.testing.assert_close(mixed.target.sum(1), torch.ones(6))
    share = mixed.target[2, 2].item()  # of its own image; the partner is the image before it
    assert 0 < share < 1
    expected = share * plain.input[2].mean() + (1 - share) * plain.input[1].mean()
    assert mixed.input[2].mean().item() == pytest.approx(expected.item(), rel=1e-5)


@KINDS
def test_a_mix_is_a_function_of_seed_epoch_and_first_sample_and_leaves_the_generators_alone(kind):
    mix = Mix(kind, alpha=1.0)
    state = torch.get_rng_state()
    first = mix(batch(), 4, drawn(mix))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(mix(batch(), 4, drawn(mix)).input, first.input)
    for other in ({"seed": 1}, {"epoch": 1}, {"first": 9}):
        assert not torch.equal(mix(batch(), 4, drawn(mix, **other)).target, first.target)


def test_the_share_of_an_image_follows_the_beta_distribution():
    lam = Mix(alpha=0.2).table(20_000, seed=0, epoch=0)[:, 0]
    assert lam.mean().item() == pytest.approx(0.5, abs=0.01)
    assert lam.var().item() == pytest.approx(0.25 / 1.4, abs=0.005)  # of Beta(a, a): 1 / (4 (2 a + 1))


def test_a_box_is_that_of_torchvision():
    """x1 = int(x W) - int(W sqrt(1 - lam) / 2) and so on, cut off at the border."""
    mix = Mix("cutmix", 1.0)
    for lam, x, y in mix.table(50, seed=3, epoch=0).tolist():
        half = int(20 * (1 - lam) ** 0.5 / 2)
        column, row = int(x * 20), int(y * 20)
        expected = torch.zeros(20, 20)
        expected[max(row - half, 0) : row + half, max(column - half, 0) : column + half] = 1
        plain = Batch(torch.zeros(2, 1, 20, 20), torch.tensor([0, 1]), torch.arange(2))
        plain.input[1] = 1.0
        mixed = mix(plain, 4, torch.tensor([lam, x, y]))
        assert torch.equal(mixed.input[0, 0], expected)
        assert mixed.target[0, 1].item() == pytest.approx(expected.mean().item(), abs=1e-6)


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
