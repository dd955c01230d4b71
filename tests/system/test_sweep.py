"""Sweeps as a user runs them: workers are real processes, and so are their trials."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import yaml
from optuna.trial import FrozenTrial, TrialState

from entreg.__main__ import main
from entreg.runs import open_run, read_predictions, read_summary
from entreg.runs.lease import Watch, holder_of
from entreg.sweep import Sweep
from entreg.sweep.board import Board
from entreg.sweep.forks import Forks
from entreg.sweep.places import Place
from entreg.sweep.starters import Interpreters
from tests.conftest import TINY
from tests.sweep.test_board import SWEEP as GRID
from tests.sweep.test_board import assert_each_once, take_all
from tests.system.postgres import Postgres
from tests.system.postgres import why_not as no_postgres
from tests.system.processes import SERVER, Forked, Process
from tests.system.test_resume import assert_same

OPTIONS = {key.removeprefix("--"): yaml.safe_load(value) for key, value in zip(TINY[::2], TINY[1::2], strict=True)}
SWEEP = {
    "name": "tiny",
    "options": {**OPTIONS, "checkpoint.every_n_steps": 1},
    "parameters": {"model.loss": ["cross_entropy", "mix_ent"], "seed_everything": [0, 1]},
}


def write(content: dict[str, object]) -> None:
    Path("sweep.yaml").write_text(yaml.safe_dump(content, sort_keys=False))


def board(content: dict[str, object]) -> Board:
    return Board.open(Sweep(**content), Path("sweeps/tiny"))  # type: ignore[arg-type]


def start_worker(*options: str) -> Process:
    return Process(Path.cwd(), "sweep", "--config", "sweep.yaml", *options)


def wait_for(condition: Callable[[], bool], *workers: Process) -> None:
    deadline = time.monotonic() + 180
    while not condition():
        assert time.monotonic() < deadline, said_by(*workers)
        time.sleep(0.1)


def said_by(*workers: Process) -> str:
    return "".join(worker.output for worker in workers)


def is_training(worker: Process, sweep: Board, trials: int = 1) -> bool:
    """Whether as many trials of this worker are being trained."""
    found = 0
    for trial in sweep.trials:
        claim = holder_of(sweep.folder / "claims" / f"{trial.number}.json")
        if claim is not None and claim.pid == worker.pid and "run" in trial.user_attrs:
            run = sweep.run(trial)
            found += run.checkpoint("last").exists() and not Watch().is_stale(run.lease)
    return found >= trials


def assert_all_done(sweep: Board, number: int, said: str = "") -> None:
    assert [trial.state for trial in sweep.trials] == [TrialState.COMPLETE] * number, said
    for trial in sweep.trials:
        run = sweep.run(trial)
        summary = read_summary(run)
        assert trial.value == summary["val"][sweep.sweep.metric.removeprefix("val/")]
        log = Path(f"sweeps/tiny/logs/{trial.number}.log").read_text()
        assert log.count("run folder:") == 1, log  # the end of one whole run
        with run.metrics.open() as file:
            rows = [(row["step"], row["name"]) for row in csv.DictReader(file)]
        assert len(rows) == len(set(rows))
        assert len(read_predictions(run.predictions("test"))["ids"]) == 130
        assert not run.lease.exists()


def test_workers_share_the_cells_of_a_grid(tmp_path: Path) -> None:
    workers = [SERVER.Process(target=take_all, args=(tmp_path,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    assert_each_once(Board.open(GRID, tmp_path))


@pytest.fixture
def _forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a system where forking is not safe; but the trials are forks of this session's server all the same."""
    monkeypatch.setattr("entreg.cli.commands.sweep.forking_is_safe", lambda: False)
    monkeypatch.setattr(subprocess, "Popen", Forked)


@pytest.mark.usefixtures("_forked")
def test_a_sweep_ends_in_its_trials_and_a_confirmation_of_the_best(
    workplace: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    content = {**SWEEP, "parameters": {"model.loss": ["cross_entropy", "mix_ent"]}, "metric": "val/aurc"}
    write(content)
    assert main(["sweep", "--config", "sweep.yaml"]) == 0
    said = capfd.readouterr().out
    sweep = board(content)
    assert_all_done(sweep, 2)
    assert "trial 0 of 2: loss=cross_entropy\n" in said
    assert said.rstrip().endswith("sweep: sweeps/tiny")
    folder = Path("sweeps/tiny")
    assert {path.name for path in folder.glob("runs/*/checkpoints/*")} == {"best.ckpt"}
    assert (folder / "importance.png").read_bytes().startswith(b"\x89PNG")
    assert not (folder / "report").exists()
    with (folder / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["val/aurc"]) for row in rows] == sorted(trial.value for trial in sweep.trials)
    assert main(["sweep", "--config", "sweep.yaml", "--confirm", "2"]) == 0
    said = capfd.readouterr().out
    assert "confirming loss=mix_ent" in said
    assert said.count("trial 0 of 2: seed_everything=1\n") == 2  # of each arm, and none of the sweep
    assert "as planned in sweeps/tiny/confirm/plan.yaml" in said
    assert "mix_ent against cross_entropy" in said or "than cross_entropy: accuracy" in said
    assert (folder / "confirm" / "report" / "index.html").is_file()
    assert main(["sweep", "--config", "sweep.yaml", "--confirm", "2"]) == 0  # finished: only where the report is
    said = capfd.readouterr().out
    assert "seed_everything" not in said
    assert "compared before, report: sweeps/tiny/confirm/report/index.html\n" in said
    assert "as planned" not in said


@pytest.mark.usefixtures("_forked")
def test_a_wrong_option_is_one_line_and_stops_the_sweep(workplace: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write({**SWEEP, "parameters": {"model.loss_rl": [0.1, 0.2]}})
    assert main(["sweep", "--config", "sweep.yaml"]) == 2
    errors = capfd.readouterr().err
    assert errors.startswith("entreg: trial 0: ")
    assert "loss_rl" in errors
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "entreg sweep needs to know what to try"),
        (["--config", "none.yaml"], "none.yaml"),
        (["--config", "sweep.yaml", "--sampler", "guess"], "guess"),
        (["--config", "sweep.yaml", "--metric", "test/acc"], "metric test/acc"),
        (["--config", "sweep.yaml", "--wrong", "1"], "wrong"),
        (["--config", "sweep.yaml", "--workers", "0"], "workers"),
        (["--config", "sweep.yaml", "--confirm", "1"], "--confirm 1: one seed says nothing about other seeds"),
    ],
)
def test_wrong_usage_is_one_line(
    words: list[str], said: str, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(SWEEP)
    assert main(["sweep", *words]) == 2
    errors = capsys.readouterr().err
    assert said in errors
    assert errors.count("\n") == 1
    assert not Path("sweeps").exists()


@pytest.mark.usefixtures("_forked")
def test_a_trial_that_does_badly_is_pruned(workplace: Path) -> None:
    content = {**SWEEP, "prune": "median", "parameters": {"model.optimizer.lr": [0.0]}}
    content["options"] = {**OPTIONS, "trainer.max_epochs": 60, "model.optimizer": "AdamW"}
    write(content)
    sweep = board(content)
    for number in range(5):  # Optuna's median pruner lets the first five be
        sweep.study.add_trial(better_trial(number))
    assert main(["sweep", "--config", "sweep.yaml"]) == 0
    assert sweep.trials[0].state == TrialState.PRUNED


def better_trial(number: int) -> FrozenTrial:
    import optuna

    values = dict.fromkeys(range(60), 1.0 - number / 1000)
    return optuna.trial.create_trial(
        value=1.0, intermediate_values=values, user_attrs={"cell": 100 + number, "run": "none"}
    )


@pytest.mark.slow
def test_a_forked_trial_is_the_run_of_the_same_command(workplace: Path) -> None:
    """Weights and metrics to the bit, on two threads."""
    place, finished = Place(environment={"OMP_NUM_THREADS": "2"}), []
    for starter in (Interpreters(), Forks("entreg", "entreg.cli.rehearsal", Path("warm.log"))):
        kind = type(starter).__name__
        words = ["fit", *TINY, "--name", "run", "--id", kind]
        with starter:
            process = starter.start(words, place, Path(f"{kind}.log"))
            while process.poll() is None:
                starter.wait(1)
        assert process.poll() == 0, Path(f"{kind}.log").read_text()
        finished.append(open_run(Path("runs") / f"run-{kind}"))
    assert_same(*finished)
    assert Path("warm.log").read_text() == ""


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_signal_stops_all_trials_and_the_same_command_goes_on(workplace: Path) -> None:
    content = {**SWEEP, "options": {**OPTIONS, "checkpoint.every_n_steps": 1, "trainer.max_epochs": 20}}
    content["parameters"] = {"seed_everything": [0, 1]}
    write(content)
    sweep = board(content)
    # Ctrl-C at a terminal reaches every process; the trials leave it to their worker.
    for send, signum, code in ((os.killpg, signal.SIGINT, 130), (os.kill, signal.SIGTERM, 75)):
        worker = start_worker("--workers", "2")
        wait_for(partial(is_training, worker, sweep, 2), worker)
        send(worker.pid, signum)
        assert worker.wait(180) == code
        with pytest.raises(ProcessLookupError):  # nothing is left of it
            os.killpg(worker.pid, 0)
        name = signal.Signals(signum).name
        assert f"entreg: stopped by {name}; the same command goes on with the sweep" in worker.output
        assert "Traceback" not in worker.output
        for number in (0, 1):
            assert "entreg: stopped by SIGTERM after step" in Path(f"sweeps/tiny/logs/{number}.log").read_text()
    worker = start_worker("--workers", "2")
    assert worker.wait(400) == 0, worker.output
    assert_all_done(sweep, 2)
    assert [trial.user_attrs["attempts"] for trial in sweep.trials] == [3, 3]
    lines = worker.printed.splitlines()
    assert [line[:12] for line in lines[:2]] == ["trial 0 of 2", "trial 1 of 2"]  # before either had ended
    assert Path("sweeps/tiny/logs/warm.log").read_text() == ""


@pytest.mark.long
@pytest.mark.timeout(900)
def test_killed_workers_lose_no_trial(workplace: Path) -> None:
    content = {**SWEEP, "options": {**SWEEP["options"], "trainer.max_epochs": 20}}
    write(content)
    sweep = board(content)
    workers = [start_worker()]
    wait_for(partial(is_training, workers[0], sweep), *workers)
    os.killpg(workers[0].pid, signal.SIGKILL)  # the worker with its trial
    workers += [start_worker(), start_worker()]
    wait_for(partial(is_training, workers[1], sweep), *workers)
    os.kill(workers[1].pid, signal.SIGKILL)  # the worker alone: its trial ends by itself
    assert [worker.wait(400) for worker in workers] == [-signal.SIGKILL, -signal.SIGKILL, 0], said_by(*workers)
    said = said_by(*workers)
    assert_all_done(sweep, 4, said)
    assert sum(trial.user_attrs["attempts"] for trial in sweep.trials) == 6
    assert said.count("report: sweeps/tiny/report/index.html") == 1


def take_one_and_stay(folder: Path, url: str) -> None:
    """What a worker does that is killed in the middle of a trial."""
    with Board.open(GRID, folder, url).take():
        time.sleep(600)


@pytest.mark.cluster
def test_workers_with_a_database_take_over_what_a_killed_one_leaves(tmp_path: Path) -> None:
    if reason := no_postgres():
        pytest.skip(reason)
    with Postgres() as server:
        victim = SERVER.Process(target=take_one_and_stay, args=(tmp_path, server.url))
        victim.start()
        while not list(tmp_path.glob("claims/*.json")):
            assert victim.is_alive()
            time.sleep(0.05)
        victim.kill()
        victim.join()
        workers = [SERVER.Process(target=take_all, args=(tmp_path, server.url)) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(120)
            assert worker.exitcode == 0
        trials = Board.open(GRID, tmp_path, server.url).trials
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 6
    assert sorted(trial.user_attrs["attempts"] for trial in trials) == [1, 1, 1, 1, 1, 2]
