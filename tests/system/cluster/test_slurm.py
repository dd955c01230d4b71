"""Jobs of a real SLURM, on loopback: the shipped job files, with words for a machine without GPUs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from entreg.runs import Run, open_run, read_predictions, read_summary
from tests.conftest import REPOSITORY, TINY
from tests.system.cluster.slurm import Slurm, why_not
from tests.system.processes import start_ranks
from tests.system.test_resume import assert_same
from tests.system.test_sweep import SWEEP, assert_all_done, board, write

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster"), pytest.mark.timeout(900)]
JOBS = REPOSITORY / "configs" / "cluster"
CPUS = ["--nodes=1", "--gpus-per-node=0", "--cpus-per-task=1", "--time=10"]


@pytest.fixture
def slurm(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slurm]:
    if reason := why_not():
        pytest.skip(reason)
    (workplace / "configs").symlink_to(REPOSITORY / "configs")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with Slurm(workplace) as started:
        yield started


def submit(slurm: Slurm, script: str, options: list[str], arguments: list[str]) -> str:
    """Submit a shipped job file as a user would, its arguments behind it."""
    said = slurm.run("sbatch", "--parsable", *CPUS, *options, str(JOBS / script), *arguments).stdout
    return said.strip().split(";")[0]


def only_run() -> Run:
    (folder,) = Path("runs").glob("*")
    return open_run(folder)


def test_an_array_is_one_run_a_seed(slurm: Slurm) -> None:
    job = submit(slurm, "slurm_array.sbatch", ["--array=0-1"], [*TINY])
    for task in range(2):
        assert slurm.wait(f"{job}_{task}", 240) == "COMPLETED", slurm.output(f"{job}_{task}")
    runs = [open_run(folder) for folder in Path("runs").glob("*")]
    assert sorted(read_summary(run)["seed"] for run in runs) == [0, 1]
    assert len({read_summary(run)["arm"] for run in runs}) == 1


def test_two_tasks_train_one_run_and_a_signal_saves_and_requeues_it(slurm: Slurm, workplace: Path) -> None:
    options = [*TINY, "--trainer.max_epochs", "30", "--checkpoint.every_n_steps", "1000"]
    job = submit(slurm, "slurm.sbatch", ["--ntasks-per-node=2"], options)
    slurm.wait(job, 60, states=("RUNNING",))
    deadline = time.monotonic() + 120
    while not list(Path("runs").glob("*/checkpoints/last.ckpt")):
        assert time.monotonic() < deadline, slurm.output(job)
        time.sleep(0.1)
    slurm.run("scancel", "--signal=USR1", job)
    while slurm.show(job).get("Restarts", "0") != "1":
        assert time.monotonic() < deadline + 60, slurm.output(job)
        time.sleep(0.2)
    stopped_at = torch.load(only_run().checkpoint("last"), weights_only=True)["global_step"]
    assert slurm.wait(job, 240) == "COMPLETED", slurm.output(job)
    said = slurm.output(job)
    assert f"stopped by SIGUSR1 after step {stopped_at}; SLURM starts job {job} again, which goes on" in said
    assert stopped_at < 120
    assert only_run().path.name.startswith("mix_ent-")
    assert only_run().id.endswith(f"_{job}_0")
    assert len(np.unique(read_predictions(only_run().predictions("test"))["ids"])) == 130
    assert said.count("run folder:") == 1
    for rank in start_ranks(workplace, 2, "whole", "fit", *options, "--runs", "undisturbed"):
        assert rank.wait() == 0, rank.output
    assert_same(only_run(), Run(workplace / "undisturbed" / "mix_ent-whole"))


def test_an_array_of_workers_shares_a_sweep(slurm: Slurm) -> None:
    write(SWEEP)
    job = submit(slurm, "slurm_sweep.sbatch", ["--array=0-1"], ["--config", "sweep.yaml"])
    for task in range(2):
        assert slurm.wait(f"{job}_{task}", 240) == "COMPLETED", slurm.output(f"{job}_{task}")
    assert_all_done(board(SWEEP), 4, "".join(slurm.output(f"{job}_{task}") for task in range(2)))


def test_without_srun_a_job_of_two_tasks_says_so(slurm: Slurm) -> None:
    job = slurm.sbatch("--ntasks-per-node=2", script=f"entreg fit {' '.join(TINY)}")
    assert slurm.wait(job, 120) == "FAILED"
    assert slurm.output(job).strip() == (
        "entreg: this SLURM job has 2 tasks and entreg was started without srun: srun entreg ..."
    )
