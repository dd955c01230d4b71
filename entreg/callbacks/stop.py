"""SIGTERM, SIGUSR1, a closed terminal and Ctrl-C end a training after the step at hand, with a checkpoint of it."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

from entreg.callbacks.checkpoint import LastCheckpoint, validation_follows
from entreg.cluster import STOP_SIGNALS
from entreg.console import let_go_of_terminal


class Stopped(BaseException):
    """Training was told to stop by a signal, and can go on later; no error, which somebody might handle.

    Args:
        signum: the signal.
        where: what was done by then, in words.
        together: whether all processes of the training stop now.
    """

    def __init__(self, signum: int, where: str, together: bool = True) -> None:
        super().__init__(f"stopped by {signal.Signals(signum).name} {where}")
        self.signum = signum
        self.together = together


class StopOnSignal(Checkpoint):
    """Save ``last.ckpt`` and raise :class:`Stopped` where the step at hand ends, when a signal has arrived.

    As a context manager it holds the handlers of the signals; those that the process was started to ignore, as by
    ``nohup``, stay ignored. Outside training, where there is nothing to save, the exception comes at once, and so it
    does at a second Ctrl-C. All processes of a training stop after the same step; several ask one another every ten
    steps only, as asking costs a synchronisation.

    It derives from Lightning's ``Checkpoint`` to come after all callbacks whose state is saved.

    Args:
        last: keeper of ``last.ckpt``.
    """

    asks_every = 10

    def __init__(self, last: LastCheckpoint) -> None:
        self.last = last
        self.received = 0
        self._training = False
        self._pid = os.getpid()
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopOnSignal:
        handlers = {signum: signal.getsignal(signum) for signum in STOP_SIGNALS}
        self._before = {signum: handler for signum, handler in handlers.items() if handler is not signal.SIG_IGN}
        self._listen()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for signum, handler in self._before.items():
            _handle(signum, handler)

    def check(self, trainer: Trainer) -> None:
        """Raise :class:`Stopped` if a signal came too late for the training to see it."""
        self._training = False
        if signum := self._agreed(trainer):
            raise Stopped(signum, "after training")

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Listen in place of Lightning, which would talk to the other processes in the middle of a step."""
        self._listen()
        self._training = True

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Likewise."""
        self._listen()

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Likewise."""
        self._listen()

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Stop where the step before is saved already, as after a validation."""
        if self.last.saved_at == trainer.global_step > 0 and (signum := self._agreed(trainer)):
            raise Stopped(signum, f"after step {trainer.global_step}")

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save and stop, if a step ends here and validation does not follow."""
        if (batch_idx + 1) % trainer.accumulate_grad_batches or validation_follows(trainer, batch_idx):
            return
        if trainer.world_size > 1 and trainer.global_step % self.asks_every:
            return
        if signum := self._agreed(trainer):
            if self.last.saved_at < trainer.global_step:
                self.last.save(trainer)
            raise Stopped(signum, f"after step {trainer.global_step}")

    def _agreed(self, trainer: Trainer) -> int:
        """Signal that a process has received; 0 if none has."""
        if trainer.world_size == 1:
            return self.received
        received = torch.tensor(self.received, device=trainer.strategy.root_device)
        return int(trainer.strategy.reduce(received, reduce_op="max"))

    def _listen(self) -> None:
        for signum in self._before:
            _handle(signum, self._receive)

    def _receive(self, signum: int, frame: FrameType | None) -> None:
        if os.getpid() != self._pid:  # a loader's process, which has inherited the handler
            return
        if signum == signal.SIGHUP:
            let_go_of_terminal()
        first, self.received = not self.received, max(self.received, signum)
        self.last.soon = True
        if signum == signal.SIGINT and not first:
            raise KeyboardInterrupt
        if first and not self._training:  # a second signal must not cut the first one's stop short
            raise Stopped(signum, "outside training", together=False)


def _handle(signum: int, handler: Any) -> None:
    if threading.current_thread() is threading.main_thread():
        signal.signal(signum, handler)
