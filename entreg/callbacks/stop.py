"""SIGTERM and SIGUSR1 end a training after the step at hand, with a checkpoint of it."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

from entreg.callbacks.checkpoint import LastCheckpoint, validation_follows
from entreg.lease import Lease

SIGNALS = (signal.SIGTERM, signal.SIGUSR1)


class Stopped(BaseException):
    """Training was told to stop by a signal, and can go on later; like Ctrl-C no error, which somebody might handle.

    Args:
        signum: the signal.
        where: what was done by then, in words.
    """

    def __init__(self, signum: int, where: str) -> None:
        super().__init__(f"stopped by {signal.Signals(signum).name} {where}")
        self.signum = signum


class StopOnSignal(Checkpoint):
    """Save ``last.ckpt`` and raise :class:`Stopped` where the step at hand ends, when a signal has arrived.

    As a context manager it holds the handlers of the signals. Outside training, where there is nothing to save, the
    exception comes at once. All processes of a training stop after the same step; several ask one another every ten
    batches only, as asking costs a synchronisation.

    It derives from Lightning's ``Checkpoint`` to come after all callbacks whose state is saved.

    A run folder that another process has taken over meanwhile (see :class:`Lease`) stops the training as well, and
    nothing is saved.

    Args:
        last: keeper of ``last.ckpt``.
        lease: of the run folder.
    """

    asks_every = 10

    def __init__(self, last: LastCheckpoint, lease: Lease) -> None:
        self.last = last
        self.lease = lease
        self.received: int | None = None
        self._training = False
        self._pid = os.getpid()
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopOnSignal:
        self._before = {signum: signal.getsignal(signum) for signum in SIGNALS}
        self._listen()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for signum, handler in self._before.items():
            _handle(signum, handler)

    def check(self) -> None:
        """Raise :class:`Stopped` if a signal came too late for the training to see it."""
        self._training = False
        if self.received is not None:
            raise Stopped(self.received, "after training")

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
        if self.last.saved_at == trainer.global_step > 0 and self._agreed(trainer):
            self._stop(trainer)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save and stop, if a step ends here and validation does not follow."""
        self.lease.check()
        steps = (batch_idx + 1) % trainer.accumulate_grad_batches == 0
        asks = trainer.world_size == 1 or (batch_idx + 1) % self.asks_every == 0
        if steps and asks and not validation_follows(trainer, batch_idx) and self._agreed(trainer):
            if self.last.saved_at < trainer.global_step:
                self.last.save(trainer)
            self._stop(trainer)

    def _agreed(self, trainer: Trainer) -> bool:
        stop = self.received is not None
        return trainer.strategy.reduce_boolean_decision(stop, all=False) if trainer.world_size > 1 else stop

    def _stop(self, trainer: Trainer) -> None:
        raise Stopped(self.received or signal.SIGTERM, f"after step {trainer.global_step}")

    def _listen(self) -> None:
        for signum in SIGNALS:
            _handle(signum, self._receive)

    def _receive(self, signum: int, frame: FrameType | None) -> None:
        if os.getpid() != self._pid:  # a loader's process, which has inherited the handler
            return
        self.received = self.received or signum
        if not self._training:
            raise Stopped(signum, "outside training")


def _handle(signum: int, handler: Any) -> None:
    if threading.current_thread() is threading.main_thread():
        signal.signal(signum, handler)
