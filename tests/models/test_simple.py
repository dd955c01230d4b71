from __future__ import annotations

from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from entreg.models import MLP, LeNet


@pytest.mark.parametrize("net", [MLP, LeNet])
@pytest.mark.parametrize(("in_channels", "num_classes"), [(1, 26), (3, 10)])
def test_logits_have_a_column_for_each_class(net: type[nn.Module], in_channels: int, num_classes: int) -> None:
    logits = net(in_channels, num_classes)(torch.randn(4, in_channels, 28, 28))
    assert logits.shape == (4, num_classes)


def test_lenet_has_the_61706_parameters_of_the_paper_at_32_pixels_and_10_classes() -> None:
    assert sum(p.numel() for p in LeNet(1, 10).parameters()) == 61_706
    assert LeNet(3, 10)(torch.randn(2, 3, 32, 32)).shape == (2, 10)
    assert LeNet(1, 10).features(torch.randn(2, 1, 28, 28)).shape == (2, 16, 5, 5)


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_depth_counts_the_hidden_layers(depth: int) -> None:
    net = MLP(1, 5, image_size=8, width=16, depth=depth)
    sizes = [(m.in_features, m.out_features) for m in net.modules() if isinstance(m, nn.Linear)]
    want = [64, *[16] * depth, 5]
    assert sizes == list(pairwise(want))


def test_dropout_is_off_in_evaluation() -> None:
    net, images = MLP(1, 5, dropout=0.5).eval(), torch.randn(2, 1, 28, 28)
    assert torch.equal(net(images), net(images))
    assert not torch.equal(net.train()(images), net(images))


def test_a_negative_depth_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^depth is the number of hidden layers, >= 0, got -1$"):
        MLP(depth=-1)


def test_lenet_pads_its_first_layer_alone() -> None:
    assert sum(p.numel() for p in LeNet(1, 10).parameters()) == 61_706  # LeCun et al. 1998, with all maps connected
    features = [module for module in LeNet(1, 10).modules() if isinstance(module, nn.Conv2d)]
    assert [layer.padding for layer in features] == [(2, 2), (0, 0)]


@pytest.mark.parametrize("size", [28, 32, 40])
def test_lenet_averages_feature_maps_that_are_larger_than_5x5(size: int) -> None:
    net, images = LeNet(1, 10).eval(), torch.rand(3, 1, size, size)
    features = nn.Sequential(*list(net.features)[:-1])(images)
    assert torch.equal(net(images), net.classifier(F.adaptive_avg_pool2d(features, 5)))
