"""Data modules. Each knows its classes and channels, so that network and loss need not be told."""

from entreg.data import catalogue
from entreg.data.base import ClassificationDataModule
from entreg.data.damage import Damage
from entreg.data.images.augment import Augment, FlipCrop, ResizedCrop, Warp
from entreg.data.images.corruptions import Corruptions
from entreg.data.images.crop import DecodeCrop
from entreg.data.images.mix import Mix
from entreg.data.images.module import ImageDataModule
from entreg.data.images.sets.emnist import EMNIST
from entreg.data.images.sets.folder import ImageFolder
from entreg.data.images.sets.mnist import KMNIST, MNIST, QMNIST, FashionMNIST
from entreg.data.images.sets.strokes import Strokes
from entreg.data.images.sets.vision import CIFAR10, CIFAR100, SVHN
from entreg.data.registry import DataInfo, available, class_path_of, find, name_of, register
from entreg.data.samples import Batch
from entreg.data.source import data_root

__all__ = [
    "CIFAR10",
    "CIFAR100",
    "EMNIST",
    "KMNIST",
    "MNIST",
    "QMNIST",
    "SVHN",
    "Augment",
    "Batch",
    "ClassificationDataModule",
    "Corruptions",
    "Damage",
    "DataInfo",
    "DecodeCrop",
    "FashionMNIST",
    "FlipCrop",
    "ImageDataModule",
    "ImageFolder",
    "Mix",
    "ResizedCrop",
    "Strokes",
    "Warp",
    "available",
    "catalogue",
    "class_path_of",
    "data_root",
    "find",
    "name_of",
    "register",
]
