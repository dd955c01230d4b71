"""The data sets that are known by name: to train on, to evaluate on, to list."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from entreg.data.evaluation_sets import EvaluationSet, corrupted_sets, noise_set, ood_set, shift_set
from entreg.data.images.sets.emnist import EMNIST
from entreg.data.images.sets.mnist import KMNIST, MNIST, QMNIST, FashionMNIST
from entreg.data.images.sets.strokes import Strokes
from entreg.data.images.sets.vision import CIFAR10, CIFAR100, SVHN
from entreg.data.source import data_root
from entreg.errors import ConfigError

if TYPE_CHECKING:
    from entreg.data.images.module import ImageDataModule

Make = Callable[[str], "ImageDataModule"]  # from the root of the data

# By the names that options and predictions carry.
KNOWN: dict[str, Make] = {
    "letters": lambda root: EMNIST("letters", root=root),
    "balanced": lambda root: EMNIST("balanced", root=root),
    "byclass": lambda root: EMNIST("byclass", root=root),
    "bymerge": lambda root: EMNIST("bymerge", root=root),
    "digits": lambda root: EMNIST("digits", root=root),
    "emnist-mnist": lambda root: EMNIST("mnist", root=root),
    "mnist": lambda root: MNIST(root=root),
    "qmnist": lambda root: QMNIST(root=root),
    "fashionmnist": lambda root: FashionMNIST(root=root),
    "kmnist": lambda root: KMNIST(root=root),
    "svhn": lambda root: SVHN(root=root),
    "cifar10": lambda root: CIFAR10(root=root),
    "cifar100": lambda root: CIFAR100(root=root),
    "strokes": lambda root: Strokes(root=root),
}
# Digits are digits: where those of one set are absent, another's are as good to tell from letters.
_STANDS_IN = {"digits": ("emnist-mnist", "mnist")}


def find(name: str) -> str:
    """Return the known name that is meant, whatever its case, dashes and underscores.

    Raises:
        ConfigError: if there is none.

    Example:
        >>> find("Fashion_MNIST")
        'fashionmnist'
    """

    def plain(text: str) -> str:
        return text.lower().replace("-", "").replace("_", "")

    for known in KNOWN:
        if plain(known) == plain(name):
            return known
    raise ConfigError(f"no data set is called {name!r}, known are {', '.join(KNOWN)}")


def placed(name: str, root: Path) -> ImageDataModule:
    """Return the data set of a known name, its files where torchvision puts them and nowhere else below ``root``.

    The files of MNIST and its relatives share their names: lying in the root itself they could be of any of them.
    """
    data = KNOWN[name](str(root))
    data.flat = False
    return data


def guest_of(name: str, root: Path) -> ImageDataModule:
    """Return the data set of a name, or what stands in for it where its test files are absent.

    They are looked for below ``root``, then where data are by default.

    Raises:
        ConfigError: if there is none.
    """
    known = find(name)
    roots = dict.fromkeys((root, data_root(None)))
    candidates = [placed(other, place) for other in (known, *_STANDS_IN.get(known, ())) for place in roots]
    return next((data for data in candidates if not data.missing(train=False)), candidates[0])


def other_sets(host: ImageDataModule) -> list[EvaluationSet]:
    """Return the sets that a data module asks for with ``ood``, ``shift`` and ``corruptions``.

    Raises:
        ConfigError: if a set is unknown or is not of the kind that it is asked for as.
        DataError: if its files are damaged.
    """
    sets = []
    for name in host.ood:
        if name == "noise":
            sets.append(noise_set(host, host.noise_images, host.split_seed))
        else:
            sets.append(ood_set(find(name), guest_of(name, host.root), host))
    sets += [shift_set(find(name), guest_of(name, host.root), host) for name in host.shift]
    return sets + corrupted_sets(host.corruptions, host.test_set, host.classes)
