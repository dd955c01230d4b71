from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from torch import nn

from entreg import load
from entreg.__main__ import main
from entreg.models import Timm
from tests.conftest import TINY

DATA = [*TINY[: TINY.index("--model.net")], *TINY[TINY.index("--model.net") + 2 :], "--trainer.max_epochs", "1"]


@pytest.mark.parametrize("name", ["resnet18", "vit_tiny_patch16_224", "deit_tiny_patch16_224", "mobilenetv3_small_100"])
def test_channels_and_classes_are_those_asked_for(name: str) -> None:
    in_channels, num_classes = 3, 10
    net = Timm(in_channels, num_classes, name).eval()
    with torch.no_grad():
        assert net(torch.randn(2, in_channels, 28, 28)).shape == (2, num_classes)


@pytest.mark.parametrize(("image_size", "tokens"), [(28, 49), (32, 64)])
def test_a_vision_transformer_keeps_a_sensible_number_of_tokens(image_size: int, tokens: int) -> None:
    net = Timm(1, 26, "vit_tiny_patch16_224", image_size=image_size)
    assert net.model.patch_embed.num_patches == tokens


def test_a_resnet_has_the_stem_of_small_images() -> None:
    net = Timm(1, 26, "resnet18").model
    assert (net.conv1.kernel_size, net.conv1.stride) == ((3, 3), (1, 1))
    assert isinstance(net.maxpool, nn.Identity)
    assert net.layer1(net.maxpool(net.act1(net.bn1(net.conv1(torch.randn(2, 1, 28, 28)))))).shape[-2:] == (28, 28)


@pytest.mark.parametrize(
    ("image_size", "stem", "kernel"),
    [(32, None, 3), (64, None, 3), (65, None, 7), (224, None, 7), (32, "large", 7), (224, "small", 3)],
)
def test_the_stem_follows_the_size_unless_it_is_given(image_size: int, stem: str | None, kernel: int) -> None:
    net = Timm(3, 10, "resnet18", image_size, stem=stem).model
    assert net.conv1.kernel_size == (kernel, kernel)
    assert isinstance(net.maxpool, nn.Identity) == (kernel == 3)


def test_options_reach_timm() -> None:
    assert Timm(1, 26, "resnet18", options={"drop_rate": 0.25}).model.drop_rate == 0.25


def test_an_unknown_name_and_an_absent_timm_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"^timm has no network 'resnet81', did you mean 'resnet"):
        Timm(name="resnet81")
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ValueError, match=r"^network 'resnet18' needs timm: pip install 'entreg\[timm\]'$"):
        Timm(name="resnet18")


def test_published_weights_are_fetched_for_the_first_training_alone(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched, create_model = list[bool](), timm.create_model

    def offline(name: str, pretrained: bool, **options: Any) -> nn.Module:
        fetched.append(pretrained)
        return create_model(name, **options)

    monkeypatch.setattr(timm, "create_model", offline)
    options = ["--model.net", "Timm", "--model.net.name", "resnet18", "--model.net.pretrained", "true"]
    few = ["--trainer.limit_train_batches", "2", "--trainer.limit_val_batches", "1"]
    assert main(["fit", *DATA, *options, *few]) == 0
    (folder,) = Path("runs").glob("*")
    assert fetched == [True]
    assert main(["fit", "--run", str(folder), "--trainer.max_epochs", "2", "--evaluate", "false"]) == 0
    assert main(["test", "--run", str(folder)]) == 0
    assert load(folder).module.net.model.conv1.kernel_size == (7, 7)
    assert fetched == [True, False, False, False]


@pytest.mark.parametrize("name", ["resnet18", "vit_tiny_patch16_224"])
def test_it_trains_from_the_command_line(workplace: Path, name: str) -> None:
    options = ["--model.net", "Timm", "--model.net.name", name, "--trainer.fast_dev_run", "true"]
    assert main(["fit", *DATA, *options]) == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["Timm", "--model.net.name", "resnet81"], "model.net: timm has no network 'resnet81'"),
        (["MLP", "--model.net.image_size", "32"], "model.net: MLP cannot take inputs of 1x28x28"),
        (["Timm", "--model.net.name", "inception_v3"], "model.net: Timm cannot take inputs of 1x28x28"),
    ],
)
def test_a_net_that_does_not_fit_is_one_line(
    workplace: Path, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    assert main(["fit", *DATA, "--model.net", *options]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith(f"entreg: {words}")
    assert not list(Path("runs").glob("*"))
