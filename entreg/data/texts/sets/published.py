"""Sets of texts in files that are downloaded from where they were published."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from entreg.data.store import fetch
from entreg.data.texts.module import TextDataModule


class PublishedTexts(TextDataModule):
    """Texts in files below ``<root>/<name of the class>``, downloaded where they are absent and checked then.

    Attributes:
        url: of the folder that holds the files.
        published: MD5 sum of each file.
        file_names: of the training and of the test file, which may be one.
    """

    url: ClassVar[str]
    published: ClassVar[dict[str, str]]
    file_names: ClassVar[tuple[str, str]]
    domain = "questions"

    def path(self, train: bool) -> Path:
        """Where the training or the test file is."""
        return self.root / type(self).__name__ / self.file_names[0 if train else 1]

    def missing(self, train: bool) -> list[Path]:
        """Return the file if it is absent."""
        return [path for path in self.files(train) if not path.is_file()]

    def files(self, train: bool) -> list[Path]:
        """Return where the file is."""
        return [self.path(train)]

    def checksums(self, train: bool) -> dict[Path, str]:
        """Published MD5 sum of the file."""
        return {path: self.published[path.name] for path in self.files(train)}

    def fetch(self, train: bool) -> None:
        """Download the file if it is absent."""
        path = self.path(train)
        fetch(
            self.root,
            type(self).__name__,
            missing=lambda: self.missing(train),
            download=lambda stage: self._download(stage / path.relative_to(self.root)),
            by_hand=f"put {path.name} of {self.url} into {path.parent}",
        )

    def _download(self, target: Path) -> None:
        from torchvision.datasets.utils import download_url  # seconds to import

        download_url(f"{self.url}/{target.name}", str(target.parent), md5=self.published[target.name])
