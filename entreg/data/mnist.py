"""MNIST and the data sets made in its image: 28x28 grey, ten classes, 60,000 and 10,000 images."""

from __future__ import annotations

from entreg.data.idx_module import IdxDataModule


class MNIST(IdxDataModule):
    """Handwritten digits (LeCun et al. 1998).

    Reads ``<root>/MNIST/raw/{train,t10k}-{images-idx3,labels-idx1}-ubyte``, plain or ``.gz``, or the same files in
    ``<root>`` itself, and downloads them through torchvision where they are absent.

    Args:
        kwargs: arguments of :class:`entreg.data.ImageDataModule`.

    Raises:
        DataError: if files are absent and cannot be downloaded, or are damaged.
    """

    folder = "MNIST/raw"
    classes = tuple("0123456789")
    default_mean: tuple[float, ...] | None = (0.1307,)
    default_std: tuple[float, ...] | None = (0.3081,)

    def file_names(self, train: bool) -> tuple[str, str]:
        """Names that all of the family share."""
        stem = "train" if train else "t10k"
        return f"{stem}-images-idx3-ubyte", f"{stem}-labels-idx1-ubyte"

    def download(self, train: bool) -> None:
        """Download through the torchvision class of the same name."""
        from torchvision import datasets  # seconds to import, needed once in the life of a root

        getattr(datasets, type(self).__name__)(str(self.root), train=train, download=True)


class FashionMNIST(MNIST):
    """Articles of clothing (Xiao et al. 2017, arXiv 1708.07747); files and arguments are those of :class:`MNIST`.

    Debian's package ``dataset-fashion-mnist`` puts them where ``--data.root /usr/share/datasets/fashion-mnist`` finds
    them.
    """

    folder = "FashionMNIST/raw"
    classes = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
    default_mean = (0.2860,)
    default_std = (0.3530,)


class KMNIST(MNIST):
    """Cursive Japanese (Clanuwat et al. 2018, arXiv 1812.01718); files and arguments are those of :class:`MNIST`."""

    folder = "KMNIST/raw"
    classes = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
    default_mean = None
    default_std = None
