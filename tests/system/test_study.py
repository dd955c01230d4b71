"""What README says of whole trainings: minutes each, so only with ``pytest -m slow``."""

from __future__ import annotations

from pathlib import Path

import pytest

from entreg.__main__ import main
from entreg.runs import open_run, read_summary
from tests.conftest import REPOSITORY

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


def study(config: str, *options: str) -> dict[str, dict[str, float]]:
    path = REPOSITORY / "configs" / f"{config}.yaml"
    assert main(["fit", "--config", str(path), "--trainer.logger", "false", *options]) == 0
    (folder,) = Path("runs").glob("*")
    return read_summary(open_run(folder))


def test_the_embedded_data_separate_methods(workplace: Path) -> None:
    assert 0.88 <= study("quickstart", "--model.loss", "cross_entropy")["test"]["acc"] <= 0.98


def test_cross_entropy_on_the_real_letters(letters_root: Path, workplace: Path) -> None:
    summary = study("cross_entropy", "--data.root", str(letters_root), "--trainer.max_epochs", "4")
    assert summary["test"]["acc"] >= 0.945
