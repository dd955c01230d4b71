"""What is left to do of a run that has begun."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch import Trainer

from entreg.console import print_line
from entreg.errors import ConfigError, RunError
from entreg.runs import Run, check_unchanged, read_config, read_summary
from entreg.runs.history import history_of


def is_over(run: Run, summary: Mapping[str, Any], max_epochs: int | None) -> bool:
    """Whether a run is finished and has kept nothing that it could be trained on from.

    Args:
        run: its folder.
        summary: content of its ``summary.json``.
        max_epochs: how many epochs are asked for.

    Raises:
        RunError: if those are others than it was trained for.
    """
    if not summary.get("finished") or any(run.checkpoint(name).is_file() for name in ("last", "previous")):
        return False
    trained = read_config(run).get("trainer", {}).get("max_epochs")
    if max_epochs != trained:
        raise RunError(
            f"{run.path}: holds no last.ckpt, as after --checkpoint.keep best, so it cannot be trained from "
            f"{trained} to {max_epochs} epochs; begin another run, with --checkpoint.keep last"
        )
    print_line(f"{run.path}: nothing is left to train; to evaluate it again: entreg test --run {run.path}")
    return True


def to_train_from(run: Run, summary: Mapping[str, Any]) -> Path | None:
    """Return the checkpoint to go on from, ``None`` at the very start; no training comes by the best one again.

    Raises:
        RunError: if none opens, or the best one is not that of the summary.
    """
    if summary.get("finished"):
        check_unchanged(run, summary, (run.kept_best(),))
    return run.resume_from()


def to_evaluate(run: Run, summary: Mapping[str, Any], split: str, ckpt_path: str | None) -> Path:
    """Return the checkpoint that is asked for, or the one chosen on validation.

    Raises:
        RunError: if that is lost, damaged, or not the one of the summary, or if predictions are not that stay: the
            temperature comes from those on validation.
    """
    if ckpt_path is not None:
        return Path(ckpt_path)
    best = run.best()
    stay = [path for path in run.all_predictions() if (path.stem == "val") == (split == "test")]
    check_unchanged(run, summary, (best, *stay))
    return best


def still_true(run: Run, summary: Mapping[str, Any], trainer: Trainer) -> dict[str, Any]:
    """Return what ``summary.json`` says that holds of a training which has just ended.

    That is all of it, if nothing was left to train. Else it is the history: scores and predictions are those of an
    earlier best checkpoint, and are forgotten.
    """
    history = {"history": history_of(read_summary(run))}  # with the start of this training
    if summary.get("finished") and summary.get("steps") == trainer.global_step:
        print_line(f"{run.path}: nothing was left to train")
        return {**summary, **history}
    if trainer.is_global_zero:
        run.forget_predictions()
    return history


def best_of_training(run: Run) -> Path:
    """Return the checkpoint that validation chose, right after the training.

    Raises:
        ConfigError: if there was no validation.
        RunError: if it is damaged.
    """
    if not run.checkpoint("best").is_file():
        raise ConfigError(
            "training ended before its first validation, so no checkpoint was chosen: lower "
            "trainer.val_check_interval, or let trainer.max_epochs end it, not max_steps or max_time"
        )
    return run.best()
