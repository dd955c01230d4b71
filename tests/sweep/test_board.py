from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from entreg.errors import ConfigError, RunError
from entreg.runs.lease import Lease, Watch
from entreg.sweep import Sweep, storage
from entreg.sweep.board import Board

optuna.logging.set_verbosity(optuna.logging.WARNING)
SWEEP = Sweep("s", {"x": [1, 2, 3], "y": [10, 20]})


def take_all(folder: Path, url: str | None = None) -> None:
    """Work through a board, each trial of no time at all."""
    board = Board.open(SWEEP, folder, url)
    while not board.is_done:
        with board.take() as trial:
            if trial is not None:
                board.study.tell(trial, trial.params["x"] + trial.params["y"])


def assert_each_once(board: Board) -> None:
    assert [trial.state for trial in board.trials] == [TrialState.COMPLETE] * 6
    assert len({tuple(trial.params.items()) for trial in board.trials}) == 6
    assert {trial.user_attrs["attempts"] for trial in board.trials} == {1}
    assert len({trial.user_attrs["run"] for trial in board.trials}) == 6


@pytest.mark.parametrize("name", ["study.log", "logs", "claims/0.json"])
def test_a_folder_from_which_a_name_leads_elsewhere_is_not_worked_on(name: str, tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "s", tmp_path / "elsewhere"
    (folder / name).parent.mkdir(parents=True)
    (folder / "study.log.lock").symlink_to("study.log")  # what Optuna may leave
    elsewhere.write_text("")
    (folder / name).symlink_to(elsewhere)
    with pytest.raises(RunError, match=f"{name}: is a link"):
        Board.open(SWEEP, folder)


def test_a_grid_that_was_written_in_part_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enqueue, written = optuna.Study.enqueue_trial, Counter[str]()

    def dying(*args: object, **options: object) -> None:
        written["cells"] += 1
        if written["cells"] == 3:
            raise KeyboardInterrupt
        enqueue(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(optuna.Study, "enqueue_trial", dying)
    with pytest.raises(KeyboardInterrupt):
        Board.open(SWEEP, tmp_path)
    monkeypatch.undo()
    assert len(Board.open(SWEEP, tmp_path).trials) == 6
    take_all(tmp_path)
    assert_each_once(Board.open(SWEEP, tmp_path))


def test_a_trial_is_one_workers_until_it_lets_go(tmp_path: Path) -> None:
    first, second = Board.open(SWEEP, tmp_path), Board.open(SWEEP, tmp_path)
    with first.take() as ours:
        assert ours is not None
        for _ in range(5):
            with second.take() as theirs:
                assert theirs is not None
                assert theirs.number != ours.number
                second.study.tell(theirs, 0)
        with second.take() as nothing:
            assert nothing is None
        assert not second.is_done
    with second.take() as again:
        assert again is not None
        assert again.number == ours.number
        assert again.params == ours.params
        assert again.user_attrs["run"] == ours.user_attrs["run"]
        assert again.user_attrs["attempts"] == 2


def test_a_trial_that_ends_while_another_worker_looks_is_not_taken_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = Board.open(SWEEP, tmp_path), Board.open(SWEEP, tmp_path)
    look = Watch.is_stale
    with ExitStack() as held:
        trial = held.enter_context(first.take())
        assert trial is not None

        def end_and_look(watch: Watch, path: Path) -> bool:
            monkeypatch.undo()
            first.study.tell(trial, 0)
            held.close()
            return look(watch, path)

        monkeypatch.setattr(Watch, "is_stale", end_and_look)
        with second.take() as other:
            assert other is not None
            assert other.number != trial.number


def test_a_run_that_outlives_its_worker_is_left_alone(tmp_path: Path) -> None:
    board = Board.open(Sweep("s", {"x": [1]}), tmp_path)
    with board.take() as trial:
        assert trial is not None
    with Lease(board.run(trial).lease), board.take() as nothing:
        assert nothing is None
    with board.take() as again:
        assert again is not None


def test_draws_of_a_sampler_end_with_the_last_trial(tmp_path: Path) -> None:
    sweep = Sweep("s", {"x": [1, 2]}, sampler="random", trials=4)
    board = Board.open(sweep, tmp_path)
    for _ in range(4):
        with board.take() as trial:
            assert trial is not None
            board.study.tell(trial, 0)
    with board.take() as nothing:
        assert nothing is None
    assert board.is_done
    assert not Board.open(Sweep("s", {"x": [1, 2]}, sampler="random", trials=5), tmp_path).is_done


def test_another_definition_is_another_sweep(tmp_path: Path) -> None:
    Board.open(SWEEP, tmp_path)
    with pytest.raises(ConfigError, match=r"sweep s was begun with metric val/acc, now it is val/nll"):
        Board.open(Sweep("s", SWEEP.parameters, metric="val/nll"), tmp_path)


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "postgresql+psycopg://me:SECRET@127.0.0.1:1/none",
        "no+such://a:SECRET@b/c",
        "no+such://b/c?password=SECRET&sslmode=require",
        "sqlite://?timeout=SECRET",  # which its driver quotes
        "postgresql+psycopg://me@host:SECRET/none",
    ],
)
def test_a_storage_that_cannot_be_used_is_one_line_without_its_password(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--storage") as error:
        Board.open(SWEEP, tmp_path, url)
    assert "SECRET" not in str(error.value)
    assert "\n" not in str(error.value)


def test_half_a_line_at_the_end_of_the_journal_is_cut_off(tmp_path: Path) -> None:
    Board.open(SWEEP, tmp_path)
    with (tmp_path / "study.log").open("ab") as file:
        file.write(b'{"op_code": 4, "worker_id": "a')
    take_all(tmp_path)
    assert_each_once(Board.open(SWEEP, tmp_path))


def test_a_worker_that_goes_on_does_not_write_behind_half_a_line(tmp_path: Path) -> None:
    board = Board.open(SWEEP, tmp_path)
    with (tmp_path / "study.log").open("ab") as file:  # as of another one, whose disk was full
        file.write(b'{"op_code": 4, "worker_id": "a')
    with board.take() as trial:
        assert trial is not None
        board.study.tell(trial, trial.params["x"] + trial.params["y"])
    take_all(tmp_path)
    assert_each_once(Board.open(SWEEP, tmp_path))


def test_sqlite_is_a_storage_too(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/study.db"
    take_all(tmp_path, url)
    assert_each_once(Board.open(SWEEP, tmp_path, url))


def test_a_lock_that_a_dead_worker_has_left_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(storage, "JournalFileOpenLock", partial(storage.JournalFileOpenLock, grace_period=3))
    Board.open(SWEEP, Path("s"))
    lock = storage.JournalFileOpenLock("s/study.log")
    assert lock.acquire()  # and is never released
    assert len(Board.open(SWEEP, Path("s")).trials) == 6
