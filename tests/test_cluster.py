from __future__ import annotations

import os

import pytest

from entreg.cluster import Launch, check_id, cluster_plugins, launch, launch_id, shared_with_children, sharers
from entreg.errors import ConfigError

SRUN = {"SLURM_NTASKS": "4", "SLURM_NNODES": "2", "SLURM_JOB_ID": "7", "SLURM_STEP_ID": "0", "SLURM_JOB_NAME": "fit"}


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("SLURM_", "TORCHELASTIC_", "WANDB_", "ENTREG_RUN")):
            monkeypatch.delenv(name)


def set_all(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)


def test_a_shell_decides_nothing() -> None:
    assert launch() is None
    assert launch_id() is None
    assert cluster_plugins() == []


def test_children_of_a_launch_share_the_id() -> None:
    with shared_with_children("12ab"):
        assert launch_id() == "12ab"
    assert launch_id() is None


def test_srun_gives_layout_and_an_id_that_a_requeued_job_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, SRUN)
    assert launch() == Launch(devices=2, num_nodes=2)
    assert launch_id() == "slurm_7_0"
    monkeypatch.setenv("SLURM_CLUSTER_NAME", "big-one")
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    assert launch_id() == "big_one_7_0"


def test_a_job_of_several_tasks_without_srun_does_not_wait_forever(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, SRUN)
    monkeypatch.delenv("SLURM_STEP_ID")
    with pytest.raises(ConfigError, match="4 tasks and entreg was started without srun"):
        launch()
    monkeypatch.setenv("SLURM_NTASKS", "1")
    monkeypatch.setenv("SLURM_NNODES", "1")
    assert launch() == Launch(1, 1)
    assert launch_id() is None  # several such commands may stand in one script


def test_uneven_nodes_and_what_lightning_does_not_take(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, SRUN | {"SLURM_NTASKS": "3"})
    with pytest.raises(ConfigError, match="3 SLURM tasks on 2 nodes"):
        launch()
    with pytest.raises(ConfigError, match="ntasks-per-node"):
        cluster_plugins()


def test_an_interactive_shell_is_no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, SRUN | {"SLURM_JOB_NAME": "interactive"})
    assert launch() is None
    assert launch_id() is None


def test_a_sweep_of_wandb_names_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    set_all(monkeypatch, {"WANDB_SWEEP_ID": "s", "WANDB_RUN_ID": "x1y2"})
    assert launch_id() == "x1y2"


def test_the_memory_is_shared_by_as_many_runs_as_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENTREG_SHARE", raising=False)
    assert sharers() == 1
    monkeypatch.setenv("ENTREG_SHARE", "8")
    assert sharers() == 8
    for wrong in ("0", "-1", "many", ""):
        monkeypatch.setenv("ENTREG_SHARE", wrong)
        with pytest.raises(ConfigError, match="the number of runs that share a GPU"):
            sharers()


def test_an_id_can_end_a_folder_name() -> None:
    assert check_id("a_1.b") == "a_1.b"
    for wrong in ("", "a-b", "a/b", "a b"):
        with pytest.raises(ConfigError, match="an id is made of"):
            check_id(wrong)
