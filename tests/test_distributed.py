"""Two gloo processes, launched as a user would, see the samples that one process sees."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

from entreg.runs import Run, open_run, read_predictions
from tests.conftest import TINY

Samples = dict[tuple[str, int], torch.Tensor]


def run_processes(workplace: Path, devices: int) -> tuple[Run, Samples]:
    """Fit in a real process; return the run and every augmented image by (epoch, batch, id)."""
    record = workplace / f"record-{devices}"
    record.mkdir()
    command = [sys.executable, "-m", "entreg", "fit", *TINY, "--trainer.devices", str(devices)]
    command += ["--trainer.callbacks", "user_file.Record", "--runs", f"runs-{devices}"]
    environment = {**os.environ, "RECORD_TO": str(record), "OMP_NUM_THREADS": "1"}
    subprocess.run(command, env=environment, check=True, timeout=240, stdout=subprocess.DEVNULL)
    (folder,) = Path(f"runs-{devices}").glob("*")
    samples: Samples = {}
    for path in sorted(record.glob("*.pt")):
        epoch, batch, _rank = path.stem.split("-")
        for sample_id, image in zip(*torch.load(path), strict=True):
            key = (f"{epoch}-{batch}", int(sample_id))
            assert key not in samples
            samples[key] = image
    return open_run(folder), samples


def test_two_processes_equal_one(workplace: Path) -> None:
    (one, samples_of_one), (two, samples_of_two) = (run_processes(workplace, devices) for devices in (1, 2))
    assert samples_of_one.keys() == samples_of_two.keys()
    assert all(torch.equal(image, samples_of_two[key]) for key, image in samples_of_one.items())
    for split in ("val", "test"):
        first, second = (read_predictions(run.predictions(split)) for run in (one, two))
        assert np.array_equal(first["ids"], second["ids"])
        assert np.array_equal(first["targets"], second["targets"])
        assert len(np.unique(second["ids"])) == len(second["ids"]) == 130
        scores = json.loads(two.summary.read_text())[split]
        assert scores["errors"] == int((second["logits"].argmax(1) != second["targets"]).sum())
    checkpoint = torch.load(two.checkpoint("last"), weights_only=True)
    assert checkpoint["global_step"] == 10


def test_a_batch_size_that_the_processes_do_not_divide_is_one_line(workplace: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "entreg",
        "fit",
        *TINY,
        "--trainer.devices",
        "2",
        "--data.batch_size",
        "33",
    ]
    result = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert result.returncode == 2
    assert "data.batch_size 33 is not divisible by 2 processes" in result.stderr
    assert "Traceback" not in result.stderr
