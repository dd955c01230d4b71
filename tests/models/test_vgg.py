"""VGG-5 and Spinal-VGG-5 against what is published of them."""

import math

import pytest
import torch
from torch import nn

from entreg.models import VGG5, SpinalVGG5

NETS = [VGG5, SpinalVGG5]


@pytest.mark.parametrize(
    ("net", "num_classes", "expected"),
    [(VGG5, 26, 3_654_362), (VGG5, 62, 3_672_830), (SpinalVGG5, 26, 3_637_978)],
)
def test_parameter_count_is_the_published_one(net, num_classes, expected):
    assert sum(p.numel() for p in net(1, num_classes).parameters()) == expected


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize(("size", "in_channels"), [(16, 1), (28, 1), (32, 3)])
def test_logits_have_a_column_per_class(net, size, in_channels):
    logits = net(in_channels, 11)(torch.randn(2, in_channels, size, size))
    assert logits.shape == (2, 11)
    assert logits.isfinite().all()


@pytest.mark.parametrize("net", NETS)
def test_convolutions_are_drawn_with_the_published_deviation(net):
    torch.manual_seed(0)
    convolutions = [m for m in net(in_channels=16).modules() if isinstance(m, nn.Conv2d)]
    assert len(convolutions) == 10
    for conv in convolutions:
        expected = math.sqrt(2 / (3 * 3 * conv.out_channels))
        assert conv.weight.std().item() == pytest.approx(expected, rel=0.05)
        assert abs(conv.weight.mean().item()) < 0.05 * expected
        assert conv.bias is not None
        assert not conv.bias.any()


@pytest.mark.parametrize("net", NETS)
def test_batch_norms_start_as_the_identity(net):
    norms = [m for m in net().modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
    assert len(norms) == 10 + (1 if net is VGG5 else 4)
    assert all((norm.weight == 1).all() and (norm.bias == 0).all() for norm in norms)


@pytest.mark.parametrize("net", NETS)
def test_channels_last_gives_the_same_logits(net):
    torch.manual_seed(0)
    model, images = net(3, 26).eval(), torch.randn(4, 3, 28, 28)
    with torch.no_grad():
        expected = model(images)
        model = model.to(memory_format=torch.channels_last)
        torch.testing.assert_close(model(images.to(memory_format=torch.channels_last)), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("net", NETS)
def test_dropout_is_the_argument_before_each_linear_layer(net):
    rates = [m.p for m in net(dropout=0.125).modules() if isinstance(m, nn.Dropout)]
    linear = [m for m in net().modules() if isinstance(m, nn.Linear)]
    assert rates == [0.125] * len(linear)


def test_a_spinal_layer_takes_a_half_of_the_features_and_the_layer_before():
    torch.manual_seed(0)
    model, images = SpinalVGG5(1, 26).eval(), torch.randn(4, 1, 28, 28)
    with torch.no_grad():
        features = model.features(images)
        first, second = features[:, :128], features[:, 128:256]
        x1 = model.spine[0](first)
        x2 = model.spine[1](torch.cat([second, x1], dim=1))
        x3 = model.spine[2](torch.cat([first, x2], dim=1))
        x4 = model.spine[3](torch.cat([second, x3], dim=1))
        expected = model.head(torch.cat([x1, x2, x3, x4], dim=1))
        assert torch.equal(model(images), expected)


@pytest.mark.parametrize("width", [64, 128])
def test_the_width_of_spinal_layers_is_free(width):
    model = SpinalVGG5(width=width)
    assert model.head[-1].in_features == 4 * width
    assert model(torch.randn(2, 1, 28, 28)).shape == (2, 26)
