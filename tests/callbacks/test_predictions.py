from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
import torch
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


FROM_A_GPU = """
import sys
from pathlib import Path
import torch
from entreg.runs import write_checkpoint
torch.serialization.register_package(0, lambda storage: "cuda:0", lambda storage, place: None)
for path in map(Path, sys.argv[1:]):
    write_checkpoint(path, torch.load(path, map_location="cpu", weights_only=True))
"""


def test_a_run_of_a_gpu_is_validated_where_there_is_none(finished_copy: Run) -> None:
    checkpoints = [finished_copy.checkpoint(name) for name in ("best", "last")]
    subprocess.run([sys.executable, "-c", FROM_A_GPU, *map(str, checkpoints)], check=True)
    write_summary(finished_copy, read_summary(finished_copy))  # whose checksums are those of the new files
    with pytest.raises(RuntimeError, match="deserialize object on a CUDA device"):
        torch.load(checkpoints[0], weights_only=True)
    for command in ("validate", "test"):
        assert main([command, "--run", str(finished_copy.path)]) == 0
    assert main(["fit", "--run", str(finished_copy.path), "--trainer.max_epochs", "3"]) == 0
