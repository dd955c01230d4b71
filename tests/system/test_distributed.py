"""Two gloo processes see the samples that one process sees, and train to the same end."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from entreg.runs import Run, open_run, read_predictions, read_summary
from tests.conftest import TINY, working_in
from tests.data.images.picture_files import write_folder
from tests.data.vectors.test_module import write_points
from tests.system.processes import free_port, start_ranks
from tests.system.test_resume import assert_same

Samples = dict[tuple[str, int], torch.Tensor]
ROUNDING = 1e-4  # what it may grow to in 65 steps: 1.6e-5 was seen on one kind of processor
# Shares of 66 and 65 samples, three evaluation batches each.
UNEVEN = [*TINY, "--data.test_size", "131", "--data.eval_batch_size", "32", "--checkpoint.every_n_steps", "1"]


def run_processes(folder: Path, devices: int, options: Sequence[str] = UNEVEN) -> tuple[Run, Samples]:
    """Fit; return the run and every augmented image by (epoch, batch, id)."""
    record = folder / f"record-{devices}"
    record.mkdir()
    arguments = ("fit", *options, "--runs", f"runs-{devices}", "--trainer.callbacks", "user_file.Record")
    for process in start_ranks(folder, devices, "together", *arguments, RECORD_TO=str(record)):
        assert process.wait() == 0, process.output
    (path,) = (folder / f"runs-{devices}").glob("*")
    samples: Samples = {}
    for recorded in sorted(record.glob("*.pt")):
        epoch, batch, _rank = recorded.stem.split("-")
        ids, images, _loss = torch.load(recorded)
        for sample_id, image in zip(ids, images, strict=True):
            key = (f"{epoch}-{batch}", int(sample_id))
            assert key not in samples
            samples[key] = image
    return open_run(path), samples


def losses(record: Path) -> np.ndarray:
    """Loss of each step, the mean over the processes."""
    steps: dict[tuple[int, int], list[float]] = {}
    for path in record.glob("*.pt"):
        epoch, batch, _rank = map(int, path.stem.split("-"))
        steps.setdefault((epoch, batch), []).append(float(torch.load(path)[2]))
    return np.array([np.mean(steps[step]) for step in sorted(steps)])


def rows(run: Run) -> dict[tuple[str, str], float]:
    with run.metrics.open() as file:
        return {(row["step"], row["name"]): float(row["value"]) for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, strokes_root: Path) -> list[tuple[Run, Samples]]:
    """The same training by one process and by two."""
    folder = tmp_path_factory.mktemp("pair")
    with working_in(folder, strokes_root):
        return [run_processes(folder, devices) for devices in (1, 2)]


@pytest.mark.long
def test_two_processes_train_as_one(workplace: Path) -> None:
    options = [*TINY[TINY.index("--data") :], "--model.loss", "mix_ent", "--model.net", "MLP"]
    options += ["--model.net.dropout", "0", "--trainer.max_epochs", "13", "--observe.every_n_steps", "1"]
    options += ["--model.loss_lr", "0.01", "--evaluate", "false"]
    one, two = (run_processes(workplace, devices, options)[0] for devices in (1, 2))
    of_one, of_two = losses(workplace / "record-1"), losses(workplace / "record-2")
    assert len(of_one) == 65
    assert np.abs(of_one - of_two)[:20].max() < 1e-5
    assert np.abs(of_one - of_two).max() < ROUNDING
    ours, theirs = rows(two), rows(one)
    assert ours.keys() == theirs.keys()
    assert read_summary(one)["arm"] == read_summary(two)["arm"]
    learnt = [key for key in theirs if key[1].startswith(("loss/weight", "loss/base"))]
    assert len(learnt) == 4 * 65
    assert np.ptp([theirs[key] for key in learnt if key[1] == "loss/weight/ce"]) > 0.01
    assert max(abs(ours[key] - theirs[key]) for key in learnt) < ROUNDING
    for key in ("train/loss", "train/acc", "train/ece", "val/nll", "val/errors"):
        for (step, name), value in theirs.items():
            assert name != key or ours[step, name] == pytest.approx(value, abs=ROUNDING)


def test_evaluation_is_the_same_for_any_number_of_processes(pair: list[tuple[Run, Samples]], workplace: Path) -> None:
    run = open_run(shutil.copytree(pair[0][0].path, workplace / "runs" / "one"))
    found = []
    for devices in (1, 2):
        for process in start_ranks(workplace, devices, "", "test", "--run", str(run.path)):
            assert process.wait() == 0, process.output
        found.append((read_summary(run), read_predictions(run.predictions("test"))))
    (one, predictions_of_one), (two, predictions_of_two) = found
    assert all(np.array_equal(predictions_of_one[key], predictions_of_two[key]) for key in ("ids", "targets"))
    assert np.allclose(predictions_of_one["logits"], predictions_of_two["logits"], atol=1e-6)
    assert one["test"]["errors"] == two["test"]["errors"]
    for key in ("acc", "ece", "nll", "brier", "entropy", "confidence", "n"):
        assert two["test"][key] == pytest.approx(one["test"][key], abs=1e-6)
    assert two["temperature"] == pytest.approx(one["temperature"], abs=1e-6)


def test_two_processes_see_what_one_sees(pair: list[tuple[Run, Samples]]) -> None:
    (one, samples_of_one), (two, samples_of_two) = pair
    assert samples_of_one.keys() == samples_of_two.keys()
    assert all(torch.equal(image, samples_of_two[key]) for key, image in samples_of_one.items())
    for split in ("val", "test"):
        first, second = (read_predictions(run.predictions(split)) for run in (one, two))
        assert np.array_equal(first["ids"], second["ids"])
        assert np.array_equal(first["targets"], second["targets"])
        assert len(np.unique(second["ids"])) == len(second["ids"]) == 131
        scores = read_summary(two)[split]
        assert scores["n"] == 131
        assert scores["errors"] == int((second["logits"].argmax(1) != second["targets"]).sum())
    assert read_summary(one)["arm"] != read_summary(two)["arm"]  # BatchNorm saw halves of each batch
    checkpoint = torch.load(two.checkpoint("last"), weights_only=True)
    assert checkpoint["global_step"] == 2 * (269 // 54)


@pytest.mark.long
def test_streamed_in_two_processes_with_workers_equals_resident_in_one(workplace: Path) -> None:
    root = write_folder(workplace / "pictures", train=12, test=3)
    options = [*TINY[TINY.index("--trainer.max_epochs") :], "--data", "ImageFolder", "--data.root", str(root)]
    options += ["--model.loss", "mix_ent", "--model.net", "MLP", "--data.batch_size", "6", "--evaluate", "false"]
    _, resident = run_processes(workplace, 1, options)
    _, streamed = run_processes(workplace, 2, [*options, "--data.max_resident_bytes", "0", "--data.num_workers", "2"])
    assert len(resident) == 2 * 18
    assert resident.keys() == streamed.keys()
    assert all(torch.equal(image, streamed[key]) for key, image in resident.items())


@pytest.mark.long
def test_vectors_are_perturbed_alike_by_two_processes_and_by_one(workplace: Path) -> None:
    options = [*write_points(workplace / "points.csv"), "--evaluate", "false"]
    (_, of_one), (_, of_two) = (run_processes(workplace, devices, options) for devices in (1, 2))
    assert len(of_one) == 2 * 96
    assert of_one.keys() == of_two.keys()
    assert all(torch.equal(features, of_two[key]) for key, features in of_one.items())


def test_two_processes_resume_to_the_bit(pair: list[tuple[Run, Samples]], workplace: Path) -> None:
    command = ("fit", *UNEVEN, "--trainer.callbacks", "user_file.KillAt")
    run = Run(workplace / "runs" / "mix_ent-torn")
    for expected, environment in ((1, {"KILL_AT": "start-6"}), (0, {})):
        ranks = start_ranks(workplace, 2, run.id, *command, **environment)
        assert [process.wait() for process in ranks] == [expected] * 2, ranks[0].output
        assert read_summary(run)["finished"] is (expected == 0)
    assert_same(run, pair[1][0])


def test_a_batch_size_that_the_processes_do_not_divide_is_one_line(workplace: Path) -> None:
    for process in start_ranks(workplace, 2, "x", "fit", *TINY, "--data.batch_size", "33"):
        assert process.wait() == 2
        assert "data.batch_size 33 is not divisible by 2 processes" in process.output
        assert "Traceback" not in process.output
    assert not Path("runs").exists()


@pytest.mark.long
def test_lightning_launches_two_processes_that_make_one_run(workplace: Path) -> None:
    command = [sys.executable, "-m", "entreg", "fit", *UNEVEN, "--trainer.devices", "2"]
    assert_makes_one_run(command, MASTER_PORT=free_port())


@pytest.mark.long
def test_torchrun_makes_one_run_and_needs_no_word_on_devices(workplace: Path) -> None:
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "entreg"]
    assert_makes_one_run([*torchrun, "fit", *UNEVEN])


def assert_makes_one_run(command: list[str], **environment: str) -> None:
    command = [*command, "--trainer.max_epochs", "1"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert result.returncode == 0, result.stderr
    (folder,) = Path("runs").glob("*")
    run = open_run(folder)
    assert len(np.unique(read_predictions(run.predictions("test"))["ids"])) == 131
    with run.metrics.open() as file:
        written = [(row["step"], row["name"]) for row in csv.DictReader(file)]
    assert len(written) == len(set(written))  # by one process
