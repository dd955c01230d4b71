"""What people see of images."""

from __future__ import annotations

import numpy as np
import torch

from entreg.data.images.source import ImageSource


class OnTheirSide(ImageSource):
    transposed = True
    image_size = 4


IMAGES = torch.arange(2 * 3 * 4 * 5, dtype=torch.uint8).view(2, 3, 4, 5)


def test_grey_images_have_two_dimensions_and_colour_ones_three() -> None:
    grey, colour = ImageSource().shown(IMAGES[:, :1]), ImageSource().shown(IMAGES)
    assert [picture.shape for picture in grey] == [(4, 5), (4, 5)]
    assert np.array_equal(grey[1], IMAGES[1, 0].numpy())
    assert np.array_equal(colour[1], IMAGES[1].permute(1, 2, 0).numpy())
    assert colour[0].dtype == np.uint8


def test_images_stored_on_their_side_are_seen_upright() -> None:
    assert np.array_equal(OnTheirSide().shown(IMAGES[:, :1])[0], IMAGES[0, 0].T.numpy())
    assert OnTheirSide().shown(IMAGES)[0].shape == (5, 4, 3)


def test_images_of_other_channels_cannot_be_shown() -> None:
    assert ImageSource().shown(IMAGES[:, :2]) is None


def test_the_shape_is_declared_where_the_size_is() -> None:
    assert OnTheirSide().declared_shape == (1, 4, 4)
    assert ImageSource().declared_shape is None
