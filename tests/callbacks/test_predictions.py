from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PIL import Image

from entreg.runs import Run


def test_the_reliability_diagram_is_a_picture(fit: Callable[..., Run]) -> None:
    run = fit("--trainer.max_epochs", "1", "--figures", "true")
    with Image.open(run.figures / "reliability-test.png") as picture:
        assert min(picture.size) > 400


def test_validation_inside_training_writes_nothing(fit: Callable[..., Run]) -> None:
    run = fit("--trainer.max_epochs", "1", "--evaluate", "false")
    assert not Path(run.path / "predictions").exists()
    assert not run.figures.exists()


def test_pictures_can_be_left_out(fit: Callable[..., Run]) -> None:
    run = fit("--trainer.max_epochs", "1", "--figures", "false")
    assert Path(run.path / "predictions").exists()
    assert not run.figures.exists()
