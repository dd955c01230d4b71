"""The data sets that ship, under the names that options and predictions carry."""

from __future__ import annotations

from entreg.data.images.sets.emnist import EMNIST
from entreg.data.images.sets.mnist import KMNIST, MNIST, QMNIST, FashionMNIST
from entreg.data.images.sets.strokes import Strokes
from entreg.data.images.sets.vision import CIFAR10, CIFAR100, SVHN
from entreg.data.registry import DataInfo, register
from entreg.data.texts.sets.banking77 import BANKING77
from entreg.data.texts.sets.clinc150 import CLINC150

for _info in (
    DataInfo("letters", EMNIST, {"split": "letters"}),
    DataInfo("balanced", EMNIST, {"split": "balanced"}),
    DataInfo("byclass", EMNIST, {"split": "byclass"}),
    DataInfo("bymerge", EMNIST, {"split": "bymerge"}),
    # Digits are digits: where those of one set are absent, another's are as good to tell from letters.
    DataInfo("digits", EMNIST, {"split": "digits"}, stand_ins=("emnist-mnist", "mnist")),
    DataInfo("emnist-mnist", EMNIST, {"split": "mnist"}),
    DataInfo("mnist", MNIST),
    DataInfo("qmnist", QMNIST),
    DataInfo("fashionmnist", FashionMNIST),
    DataInfo("kmnist", KMNIST),
    DataInfo("svhn", SVHN),
    DataInfo("cifar10", CIFAR10),
    DataInfo("cifar100", CIFAR100),
    DataInfo("strokes", Strokes),
    DataInfo("clinc150", CLINC150),
    DataInfo("clinc150-oos", CLINC150, {"out_of_scope": True}),
    DataInfo("banking77", BANKING77),
):
    register(_info)
