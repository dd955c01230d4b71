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
from entreg.data.texts.files import Texts
from entreg.data.texts.module import TextDataModule
from entreg.data.texts.sets.banking77 import BANKING77
from entreg.data.texts.sets.clinc150 import CLINC150
from entreg.data.vectors.corruptions import VectorCorruptions
from entreg.data.vectors.files import Vectors
from entreg.data.vectors.module import VectorDataModule
from entreg.data.vectors.perturb import Perturb

__all__ = [
    "BANKING77",
    "CIFAR10",
    "CIFAR100",
    "CLINC150",
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
    "Perturb",
    "ResizedCrop",
    "Strokes",
    "TextDataModule",
    "Texts",
    "VectorCorruptions",
    "VectorDataModule",
    "Vectors",
    "Warp",
    "available",
    "catalogue",
    "class_path_of",
    "data_root",
    "find",
    "name_of",
    "register",
]
