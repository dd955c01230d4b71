"""Random changes of training images, one table of numbers an epoch, indexed by id."""

from entreg.data.images.augment.augment import Augment
from entreg.data.images.augment.flip_crop import FlipCrop
from entreg.data.images.augment.resized_crop import ResizedCrop
from entreg.data.images.augment.warp import Warp

__all__ = ["Augment", "FlipCrop", "ResizedCrop", "Warp"]
