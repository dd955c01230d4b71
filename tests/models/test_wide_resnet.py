"""The wide residual network has the size, the strides and the paths of the published one."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from entreg.models import WideResNet


@pytest.mark.parametrize(
    ("depth", "width", "millions"),
    [(40, 1, 0.6), (40, 2, 2.2), (16, 8, 11.0), (22, 8, 17.2), (28, 10, 36.5), (28, 12, 52.5)],
)
def test_it_has_as_many_parameters_as_in_the_paper(depth: int, width: int, millions: float) -> None:
    with torch.device("meta"):
        net = WideResNet(3, 10, depth, width)
    assert round(sum(p.numel() for p in net.parameters()) / 1e6, 1) == millions
    convolutions = [module for module in net.modules() if isinstance(module, nn.Conv2d)]
    assert len([module for module in convolutions if module.kernel_size == (3, 3)]) == depth - 3
    assert len(convolutions) - (depth - 3) == (3 if width > 1 else 2)


def test_features_halve_twice_and_logits_are_those_asked_for() -> None:
    net = WideResNet(1, 7, depth=10, width=2).eval()
    with torch.no_grad():
        assert net.features(torch.randn(2, 1, 32, 32)).shape == (2, 128, 8, 8)
        assert net(torch.randn(2, 1, 28, 28)).shape == (2, 7)


def test_a_block_without_its_convolutions_is_the_identity() -> None:
    net = WideResNet(3, 10, depth=16, width=1)
    block = net.features[2]
    nn.init.zeros_(block.conv2.weight)
    features = torch.randn(2, 16, 8, 8)
    assert torch.equal(block(features), features)


@pytest.mark.parametrize("wrong", [{"depth": 18}, {"depth": 4}, {"width": 0}])
def test_a_size_that_there_is_not_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"^depth is 6n \+ 4, as 16, 22 or 28, and width is >= 1, got"):
        WideResNet(**wrong)
