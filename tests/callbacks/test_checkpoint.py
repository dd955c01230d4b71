from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from lightning.pytorch import LightningModule

from entreg.callbacks import AtomicCheckpointIO, CheckpointOptions, LastCheckpoint
from entreg.callbacks.checkpoint import LOGGED, BestCheckpoint, checkpoints, drop_checkpoints, validation_follows
from entreg.errors import Interrupted
from entreg.runs import Run, check_checkpoint, write_checkpoint


def test_the_checkpoint_before_the_last_is_kept(tmp_path: Path) -> None:
    io = AtomicCheckpointIO()
    for step in range(3):
        io.save_checkpoint({"step": step}, tmp_path / "last.ckpt")
    kept = {path.stem: torch.load(path, weights_only=True)["step"] for path in tmp_path.iterdir()}
    assert kept == {"last": 2, "previous": 1}


def test_a_failed_write_leaves_the_last_checkpoint(tmp_path: Path) -> None:
    io = AtomicCheckpointIO()
    io.save_checkpoint({"step": 0}, tmp_path / "last.ckpt")
    with pytest.raises(Exception, match="pickle"):
        io.save_checkpoint({"step": lambda: None}, tmp_path / "last.ckpt")
    assert torch.load(tmp_path / "last.ckpt", weights_only=True) == {"step": 0}
    assert [path.name for path in tmp_path.iterdir()] == ["last.ckpt"]


def test_other_checkpoints_have_no_previous(tmp_path: Path) -> None:
    io = AtomicCheckpointIO()
    for step in range(2):
        io.save_checkpoint({"step": step}, tmp_path / "best.ckpt")
    assert [path.name for path in tmp_path.iterdir()] == ["best.ckpt"]


def test_steps_between_checkpoints_are_a_number() -> None:
    with pytest.raises(ValueError, match=r"^checkpoint.every_n_steps is a number >= 1, got 0$"):
        CheckpointOptions(every_n_steps=0)


def test_the_best_loss_is_the_smallest() -> None:
    with pytest.raises(ValueError, match=r"^checkpoint.monitor val/loss is best where it is smallest: set .*mode min$"):
        CheckpointOptions(monitor="val/loss")
    assert CheckpointOptions(monitor="val/loss", mode="min").mode == "min"


def test_what_may_be_monitored_is_what_a_training_logs(finished: Run) -> None:
    rows = [line.split(",") for line in finished.metrics.read_text().splitlines()[1:]]
    trained = max(int(step) for step, name, *_ in rows if name.startswith("train/"))
    assert set(LOGGED) <= {name for step, name, *_ in rows if int(step) <= trained and name.startswith("val/")}


def last_checkpoint(tmp_path: Path) -> LastCheckpoint:
    return LastCheckpoint(Run(tmp_path), every_n_steps=1)


@pytest.mark.parametrize(("interval", "batches_before_validation"), [(3, [2, 5, 8, 9]), (float("inf"), [9]), (10, [9])])
def test_validation_follows_the_last_batch_of_each_interval(
    interval: float, batches_before_validation: list[int]
) -> None:
    trainer: Any = SimpleNamespace(num_training_batches=10, val_check_batch=interval, check_val_every_n_epoch=1)
    assert [i for i in range(10) if validation_follows(trainer, i)] == batches_before_validation


def test_nothing_is_saved_at_a_validation_inside_an_accumulation(tmp_path: Path) -> None:
    last = last_checkpoint(tmp_path)
    saved: list[int] = []
    trainer: Any = SimpleNamespace(
        accumulate_grad_batches=2,
        is_last_batch=False,
        global_step=1,
        sanity_checking=False,
        state=SimpleNamespace(fn="fit"),
        num_training_batches=10,
        val_check_batch=1,
        check_val_every_n_epoch=1,
        save_checkpoint=lambda path: saved.append(batch),
    )
    for batch in range(4):
        last.on_train_batch_end(trainer, None, None, None, batch)  # type: ignore[arg-type]
        last.on_validation_end(trainer, None)  # type: ignore[arg-type]
        trainer.global_step += batch % 2
    assert saved == [1, 3]


def test_a_best_score_outlives_a_move_of_the_folder(tmp_path: Path) -> None:
    before, after = (BestCheckpoint(Run(tmp_path / name), "val/acc", "max") for name in ("before", "after"))
    before.best_model_score, before.best_model_path = torch.tensor(0.9), before.path
    write_checkpoint(Path(after.path), {"state_dict": {}, "pytorch-lightning_version": "2"})
    after.load_state_dict(before.state_dict())
    assert after.best_k_models == {after.path: torch.tensor(0.9)}
    assert after.best_model_path == after.path


@pytest.mark.parametrize(("there", "score"), [(50, 0.9), (75, None)])
def test_a_best_checkpoint_that_is_newer_than_the_last_has_no_score(
    there: int, score: float | None, tmp_path: Path
) -> None:
    best = BestCheckpoint(Run(tmp_path), "val/acc", "max")
    write_checkpoint(Path(best.path), {"state_dict": {}, "pytorch-lightning_version": "2", "global_step": there})
    best.load_state_dict({**best.state_dict(), "best_model_score": torch.tensor(0.9), "step": 50})
    assert best.best_model_score == score
    assert len(best.best_k_models) == (score is not None)


@pytest.mark.parametrize(
    ("keep", "kept"), [("all", ["best", "last", "previous"]), ("last", ["best", "last"]), ("best", ["best"])]
)
def test_a_finished_run_keeps_the_checkpoints_that_are_asked_for(keep: str, kept: list[str], tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.checkpoint("last").parent.mkdir()
    for name in ("last", "previous"):
        run.checkpoint(name).touch()
    drop_checkpoints(run, keep)  # it was never validated
    assert run.checkpoint("last").exists()
    for name in ("best", "last", "previous"):
        run.checkpoint(name).touch()
    drop_checkpoints(run, keep)
    assert sorted(path.stem for path in run.checkpoint("last").parent.iterdir()) == kept


def test_nobody_writes_the_best_of_a_run_that_another_process_goes_on_with(tmp_path: Path) -> None:
    def lost() -> None:
        raise Interrupted("another process goes on with this")

    best, last = checkpoints(Run(tmp_path), CheckpointOptions(), lost)
    trainer: Any = SimpleNamespace(state=SimpleNamespace(fn="fit"))
    with pytest.raises(Interrupted):
        best.on_validation_end(trainer, LightningModule())
    with pytest.raises(Interrupted):
        last.save(trainer)


def test_numbers_of_numpy_are_written_as_those_of_python(tmp_path: Path) -> None:
    content = {
        "lr_schedulers": [{"last": (np.float64(0.5), [np.int64(3)])}],
        "state_dict": {"w": torch.ones(2)},
        "pytorch-lightning_version": "2.5",
    }
    write_checkpoint(tmp_path / "last.ckpt", content)
    check_checkpoint(tmp_path / "last.ckpt")
    opened = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert opened["lr_schedulers"] == [{"last": (0.5, [3])}]
    assert torch.equal(opened["state_dict"]["w"], torch.ones(2))
