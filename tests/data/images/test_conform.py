"""Images of one data set in the channels, size and orientation of another's."""

from __future__ import annotations

import torch

from entreg.data import EMNIST, KMNIST
from entreg.data.images.conform import conform

GREY = torch.randint(256, (3, 1, 28, 28), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def test_images_of_the_form_asked_for_stay_as_they_are() -> None:
    assert torch.equal(conform(GREY, (1, 28, 28), turn=False), GREY)


def test_images_are_turned_as_the_training_images_are() -> None:
    for training, expected in ((EMNIST(), GREY.mT), (EMNIST(upright=True), GREY)):
        training.load = lambda train: (GREY, torch.zeros(3, dtype=torch.int64))
        training.train_set = training.open(train=True)
        assert torch.equal(training.conform(GREY, KMNIST()), expected)


def test_images_take_the_size_and_channels_of_the_training_images() -> None:
    bigger = conform(GREY, (3, 32, 32), turn=False)
    assert bigger.shape == (3, 3, 32, 32)
    assert bigger.dtype == torch.uint8
    assert torch.equal(bigger[:, 0], bigger[:, 2])
    assert abs(bigger.float().mean() - GREY.float().mean()) < 1
    white = torch.full((2, 3, 32, 32), 255, dtype=torch.uint8)
    assert torch.equal(conform(white, (1, 28, 28), turn=False), torch.full((2, 1, 28, 28), 255, dtype=torch.uint8))


def test_grey_is_the_luma_of_a_colour() -> None:
    red, green, blue = (
        torch.zeros(1, 3, 2, 2, dtype=torch.uint8).index_fill(1, torch.tensor(k), 200) for k in range(3)
    )
    grey = [int(conform(image, (1, 2, 2), turn=False)[0, 0, 0, 0]) for image in (red, green, blue)]
    assert grey == [60, 117, 23]  # of ITU-R BT.601
