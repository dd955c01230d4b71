"""Two gloo processes, launched as a user would, see the samples that one process sees."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from entreg.runs import Run, open_run, read_predictions
from tests.conftest import TINY
from tests.data.picture_files import write_folder
from tests.test_resume import assert_same

Samples = dict[tuple[str, int], torch.Tensor]
# Shares of 66 and 65 samples, three evaluation batches each.
UNEVEN = [*TINY, "--data.test_size", "131", "--data.eval_batch_size", "32", "--checkpoint.every_n_steps", "1"]


def entreg_process(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start the command line in a process of its own, one thread a rank."""
    return subprocess.Popen(
        [sys.executable, "-m", "entreg", *arguments],
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def entreg(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it."""
    process = entreg_process(*arguments, **environment)
    output, errors = process.communicate(timeout=240)
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def run_processes(workplace: Path, devices: int, options: Sequence[str] = UNEVEN) -> tuple[Run, Samples]:
    """Fit; return the run and every augmented image by (epoch, batch, id)."""
    record = workplace / f"record-{devices}"
    record.mkdir()
    where = ("--trainer.devices", str(devices), "--runs", f"runs-{devices}")
    result = entreg("fit", *options, *where, "--trainer.callbacks", "user_file.Record", RECORD_TO=str(record))
    assert result.returncode == 0, result.stderr
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
        assert len(np.unique(second["ids"])) == len(second["ids"]) == 131
        scores = json.loads(two.summary.read_text())[split]
        assert scores["n"] == 131
        assert scores["errors"] == int((second["logits"].argmax(1) != second["targets"]).sum())
    checkpoint = torch.load(two.checkpoint("last"), weights_only=True)
    assert checkpoint["global_step"] == 2 * (269 // 54)


def test_streamed_in_two_processes_with_workers_equals_resident_in_one(workplace: Path) -> None:
    root = write_folder(workplace / "pictures", train=12, test=3)
    options = [*TINY[TINY.index("--trainer.max_epochs") :], "--data", "ImageFolder", "--data.root", str(root)]
    options += ["--model.loss", "mix_ent", "--model.net", "MLP", "--data.batch_size", "6"]
    _, resident = run_processes(workplace, 1, options)
    _, streamed = run_processes(workplace, 2, [*options, "--data.max_resident_bytes", "0", "--data.num_workers", "2"])
    assert len(resident) == 2 * 18
    assert resident.keys() == streamed.keys()
    assert all(torch.equal(image, streamed[key]) for key, image in resident.items())


def test_two_processes_resume_to_the_bit(workplace: Path) -> None:
    options = ("--trainer.devices", "2", "--trainer.callbacks", "user_file.KillAt")
    assert entreg("fit", *UNEVEN, *options, "--runs", "whole").returncode == 0
    killed = entreg("fit", *UNEVEN, *options, "--runs", "torn", KILL_AT="start-6")
    assert "Killed: start-6" in killed.stderr
    (torn,) = Path("torn").glob("*")
    resumed = entreg("fit", "--run", str(torn))
    assert resumed.returncode == 0, resumed.stderr
    (whole,) = Path("whole").glob("*")
    assert_same(open_run(torn), open_run(whole))


def test_a_batch_size_that_the_processes_do_not_divide_is_one_line(workplace: Path) -> None:
    result = entreg("fit", *TINY, "--trainer.devices", "2", "--data.batch_size", "33")
    assert result.returncode == 2
    assert "data.batch_size 33 is not divisible by 2 processes" in result.stderr
    assert "Traceback" not in result.stderr
