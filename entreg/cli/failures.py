"""Mistakes and outages that a step of the trainer can end in, each turned into one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Trainer

from entreg.callbacks import StopOnSignal, Stopped
from entreg.cluster import lost_touch, requeued
from entreg.errors import Cancelled, ConfigError, RunError
from entreg.loggers import wandb_errors
from entreg.runs import Run


@contextmanager
def translated(trainer: Trainer, run: Run, stop: StopOnSignal) -> Iterator[None]:
    """Turn what Lightning, PyTorch and W&B raise for reasons outside this program into the error of one line.

    Args:
        trainer: whose step it is.
        run: what the user can go on with.
        stop: knows whether a signal has arrived.

    Raises:
        ConfigError: of an option that Lightning refuses, as a metric to monitor that nothing logs.
        RunError: if another process does not answer, or W&B fails.
        Cancelled: at Ctrl-C where no :class:`StopOnSignal` listens, or at a second one.
        Stopped: if a worker of the data loader has ended because of the signal that this process received as well.
    """
    how_to_go_on = f"; go on with: entreg fit --run {run.path}"
    try:
        yield
    except MisconfigurationException as error:
        raise ConfigError(str(error)) from error
    except RuntimeError as error:
        if stop.received and "DataLoader worker" in str(error):
            raise Stopped(stop.received, "in the middle of a step") from error
        if trainer.world_size > 1 and lost_touch(error):
            reason = str(error).strip().splitlines()[0]
            again = how_to_go_on if run.started else ""
            raise RunError(f"lost touch with another process ({reason}){again}") from error
        for callback in trainer.early_stopping_callbacks:
            if f"metric `{callback.monitor}` which is not available" in str(error):
                logged = ", ".join(sorted(trainer.callback_metrics))
                raise ConfigError(
                    f"trainer.callbacks: EarlyStopping monitors {callback.monitor}, expected one of {logged}"
                ) from error
        raise
    except wandb_errors() as error:
        raise RunError(f"W&B: {error}; log in again, or set WANDB_MODE=offline") from error
    except SystemExit as error:  # what Lightning makes of Ctrl-C
        raise Cancelled(f"interrupted{how_to_go_on if run.started else ''}") from error


def what_follows(stopped: Stopped, run: Run) -> str:
    """Hand the job back to SLURM where the signal asks for it, and say how the run goes on."""
    if again := requeued(stopped.signum):
        return f"{again}, which goes on"
    return f"go on with: entreg fit --run {run.path}" if run.started else "nothing was written"
