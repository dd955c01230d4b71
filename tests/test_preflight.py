from __future__ import annotations

import pytest
import torch
from torch import nn

from entreg.classifier import Classifier
from entreg.errors import ConfigError
from entreg.losses import CrossEntropyLoss, MinEntLoss, MixEntLoss, MMCELoss
from entreg.preflight import Task, check_loss, check_net
from tests.four_letters import Tiny, trained


def test_classes_and_channels_follow_the_data() -> None:
    classifier = Classifier(CrossEntropyLoss(), Tiny)
    trained(classifier)
    assert (classifier.num_classes, classifier.in_channels) == (4, 1)


@pytest.mark.parametrize("given", [{"num_classes": 5}, {"in_channels": 3}])
def test_a_disagreement_with_the_data_names_both(given: dict[str, int]) -> None:
    ((key, value),) = given.items()
    with pytest.raises(ConfigError, match=rf"model.{key} is {value}, but FourLetters has"):
        trained(Classifier(CrossEntropyLoss(), Tiny, **given))


def test_without_data_classes_must_be_given() -> None:
    with pytest.raises(ConfigError, match=r"set model\.num_classes"):
        Classifier(MinEntLoss(), Tiny).configure_model()
    classifier = Classifier(MinEntLoss(), Tiny, num_classes=3, in_channels=1)
    classifier.configure_model()
    assert classifier(torch.zeros(2, 1, 4, 4)).shape == (2, 3)


@pytest.mark.parametrize(
    ("loss", "given"),
    [
        (CrossEntropyLoss(reduction="none"), r"CrossEntropyLoss gives shape \(2,\)"),
        (nn.CrossEntropyLoss(reduction="none"), r"CrossEntropyLoss gives shape \(2,\)"),
    ],
)
def test_a_loss_that_gives_no_single_number_is_refused_before_training(loss: nn.Module, given: str) -> None:
    model = Classifier(loss=loss, net=Tiny, num_classes=4, in_channels=1)
    with pytest.raises(ConfigError, match=f"^model.loss: training needs one number, {given}: set model.loss.reduction"):
        model.configure_model()


class Frozen(Tiny):
    """A network with a part that its author has frozen."""

    def __init__(self, in_channels: int, num_classes: int) -> None:
        super().__init__(in_channels, num_classes)
        self.backbone = nn.Dropout().eval()


def test_a_frozen_part_stays_frozen_when_the_network_is_tried() -> None:
    classifier = Classifier(CrossEntropyLoss(), net=Frozen)
    trained(classifier)
    assert not classifier.net.backbone.training


def task(**changes: object) -> Task:
    return Task(num_classes=4, in_channels=1, input_shape=(1, 4, 4), soft_targets=False)._replace(**changes)


@pytest.mark.parametrize(
    ("net", "said"),
    [
        (nn.Conv2d(3, 4, 1), "model.net: Conv2d cannot take inputs of 1x4x4"),
        (
            nn.Sequential(nn.Flatten(), nn.Linear(16, 5)),
            r"Sequential gives \(2, 5\) for 2 inputs, expected logits \(2, 4\)",
        ),
        (nn.Flatten(0), r"Flatten gives \(32,\) for 2 inputs"),
    ],
)
def test_a_network_that_does_not_fit_is_one_line(net: nn.Module, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        check_net(net, task())


def test_crops_of_another_size_are_tried_as_well() -> None:
    check_net(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1, 4)), task(training_shape=(1, 3, 3)))
    with pytest.raises(ConfigError, match=r"Sequential cannot take inputs of 1x3x3"):
        check_net(nn.Sequential(nn.Flatten(), nn.Linear(16, 4)), task(training_shape=(1, 3, 3)))


def test_where_no_data_say_a_shape_any_network_will_do() -> None:
    check_net(nn.Conv2d(3, 4, 1), task(input_shape=None))


def test_a_loss_of_class_indices_alone_goes_without_mixed_samples() -> None:
    check_loss(MMCELoss(), task(soft_targets=False))
    with pytest.raises(ConfigError, match=r"data\.mix: mixed samples have probabilities for targets, which MMCELoss"):
        check_loss(MMCELoss(), task(soft_targets=True))


def test_a_loss_for_other_classes_is_refused_and_stays_as_it_was() -> None:
    loss = MixEntLoss(weight=[1.0, 2.0])
    with pytest.raises(ConfigError, match=r"model\.loss: weight must hold one number for each of 4 classes"):
        check_loss(loss, task())
    assert all(parameter.grad is None for parameter in loss.parameters())


def test_batchnorm_cannot_be_trained_on_one_sample_a_step():
    net = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(16), nn.Linear(16, 4))
    check_net(net, task())
    with pytest.raises(ConfigError, match=r"data\.batch_size leaves a process one sample a step"):
        check_net(net, task(is_single=True))
    check_net(nn.Sequential(nn.Flatten(), nn.Linear(16, 4)), task(is_single=True))
