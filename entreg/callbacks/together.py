"""Several callbacks as one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from entreg.data import Batch


class Together(Callback):
    """Callbacks that keep no state, called in their order as one callback.

    In every step Lightning opens and closes a profile of each of five hooks of each callback, whether the callback has
    the hook or not. On a GPU that takes longer than the launch of the step: the fewer callbacks, the better.

    Args:
        members: the callbacks; they have no state to be saved, and no other hooks than those below.
    """

    def __init__(self, *members: Callback) -> None:
        self.members = members
        self._called: dict[str, list[Callable[..., None]]] = {}
        for name in _HOOKS:
            overriding = [member for member in members if getattr(type(member), name) is not getattr(Callback, name)]
            self._called[name] = [getattr(member, name) for member in overriding]

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Call the members."""
        self._call("on_train_start", trainer, pl_module)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Call the members."""
        self._call("on_train_epoch_start", trainer, pl_module)

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Batch, batch_idx: int) -> None:
        """Call the members."""
        self._call("on_train_batch_start", trainer, pl_module, batch, batch_idx)

    def on_before_backward(self, trainer: Trainer, pl_module: LightningModule, loss: Tensor) -> None:
        """Call the members."""
        self._call("on_before_backward", trainer, pl_module, loss)

    def on_after_backward(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Call the members."""
        self._call("on_after_backward", trainer, pl_module)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        """Call the members."""
        self._call("on_train_batch_end", trainer, pl_module, outputs, batch, batch_idx)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Call the members."""
        self._call("on_train_epoch_end", trainer, pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Call the members."""
        self._call("on_train_end", trainer, pl_module)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Call the members."""
        self._call("on_validation_start", trainer, pl_module)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Call the members."""
        self._call("on_save_checkpoint", trainer, pl_module, checkpoint)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Call the members."""
        self._call("on_exception", trainer, pl_module, exception)

    def _call(self, name: str, *arguments: Any) -> None:
        for hook in self._called[name]:
            hook(*arguments)


def unfolded(callbacks: Iterable[Callback]) -> list[Callback]:
    """Return callbacks one by one, members in the place of those that are together."""
    return [one for some in callbacks for one in (some.members if isinstance(some, Together) else (some,))]


_HOOKS = [name for name in vars(Together) if name.startswith("on_")]
