from __future__ import annotations

from collections.abc import Callable

import pytest
from PIL import Image

from entreg.__main__ import main
from entreg.runs import Run, read_summary, write_summary


def test_the_reliability_diagram_is_a_picture(finished: Run) -> None:
    with Image.open(finished.figures / "reliability-test.png") as picture:
        assert min(picture.size) > 400


def test_other_data_than_those_of_the_run_leave_no_predictions(
    finished_copy: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    summary, before = read_summary(finished_copy), finished_copy.predictions("test").read_bytes()
    write_summary(finished_copy, summary | {"data": summary["data"] | {"pixels": "others"}})
    assert main(["test", "--run", str(finished_copy.path)]) == 1
    said = capsys.readouterr().err
    assert f"the test images are not those of {finished_copy.path} (fingerprint {summary['data']['pixels']}" in said
    assert finished_copy.predictions("test").read_bytes() == before


def test_validation_inside_training_writes_nothing(fit: Callable[..., Run]) -> None:
    run = fit("--trainer.max_epochs", "1", "--evaluate", "false")
    assert not run.predictions("val").parent.exists()
    assert not run.figures.exists()
