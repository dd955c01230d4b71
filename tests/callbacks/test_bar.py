from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from lightning.pytorch.callbacks import TQDMProgressBar

from entreg.callbacks.bar import EpochBar, ProgressLines, progress_bar
from entreg.runs import Run

BAR = ["--trainer.enable_progress_bar", "true"]


def test_a_file_gets_a_line_a_validation_and_epochs_count_from_1(
    fit: Callable[..., Run], capsys: pytest.CaptureFixture[str]
) -> None:
    assert isinstance(progress_bar(1)[0], ProgressLines)
    fit(*BAR, "--evaluate", "false")
    first, *lines = capsys.readouterr().out.splitlines()
    assert first.startswith("TinyNet, 13,562 parameters, on cpu in 32-true; 270 training, 130 validation, 130 test ima")
    assert first.endswith("; runs/" + next(Path("runs").iterdir()).name)
    assert [line.partition(":")[0] for line in lines[:2]] == ["epoch 1/2", "epoch 2/2"]
    assert "val/acc 0." in lines[0]
    assert "trained 2 epochs" in lines[2]


def test_a_long_silence_is_broken(
    fit: Callable[..., Run], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ProgressLines, "seconds", 0.0)
    fit(*BAR, "--trainer.max_epochs", "1")
    said = capsys.readouterr().out
    for line in ("epoch 1/1: batch 5 of 5\n", "validation: batch 1\n", "test: batch 1\n", "trained 1 epoch in"):
        assert line in said


def test_a_terminal_gets_a_bar_with_epochs_from_1_and_no_version(
    fit: Callable[..., Run], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert isinstance(progress_bar(1)[0], EpochBar)
    fit(
        *BAR,
        "--trainer.max_epochs",
        "1",
        "--evaluate",
        "false",
        "--trainer.logger",
        "CSVLogger",
        "--trainer.logger.save_dir",
        ".",
    )
    said = capsys.readouterr().out
    assert "Epoch 1/1" in said
    assert "Epoch 0" not in said
    assert "v_num" not in said


def test_nobody_has_two_bars() -> None:
    assert progress_bar(1, [TQDMProgressBar()]) == []
