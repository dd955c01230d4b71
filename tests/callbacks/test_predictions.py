from __future__ import annotations

from collections.abc import Callable

from PIL import Image

from entreg.runs import Run


def test_the_reliability_diagram_is_a_picture(finished: Run) -> None:
    with Image.open(finished.figures / "reliability-test.png") as picture:
        assert min(picture.size) > 400


def test_validation_inside_training_writes_nothing(fit: Callable[..., Run]) -> None:
    run = fit("--trainer.max_epochs", "1", "--evaluate", "false")
    assert not run.predictions("val").parent.exists()
    assert not run.figures.exists()
