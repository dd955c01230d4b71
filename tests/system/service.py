"""What the services that tests start have in common."""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import ClassVar

from typing_extensions import Self


class Service(ABC):
    """Runs inside a ``with``; one that does not come up leaves nothing behind.

    Attributes:
        folder: its files. Not in pytest's folders: they are root's alone, and the path of a socket has at most 107
            characters.
    """

    prefix: ClassVar[str]

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix=f"{self.prefix}-", dir="/tmp"))
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @abstractmethod
    def start(self) -> None:
        """Start everything, and wait until it answers."""

    @abstractmethod
    def stop(self) -> None:
        """End whatever of it runs, and remove its files."""
