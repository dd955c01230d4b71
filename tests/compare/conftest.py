from __future__ import annotations

from pathlib import Path

import pytest

from entreg.compare import Analysis, analyse, read_study
from tests.compare.run_folders import write_study


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three losses with four seeds each; to be read only."""
    return write_study(tmp_path_factory.mktemp("study"), 4)


@pytest.fixture(scope="session")
def analysis(folders: list[Path]) -> Analysis:
    """The comparison of them."""
    return analyse(read_study(folders))
