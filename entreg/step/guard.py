"""What keeps a loss that is NaN or infinite from the weights, without waiting for the device to say so."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.optim import Optimizer


class Guard:
    """From the first loss that is not finite on, nothing changes any more: weights, optimizer, running statistics.

    The optimizer skips its steps, as it does for a gradient scaler; the buffers of the network (the statistics of
    BatchNorm), which the forward pass has spoilt by then, are put back in the same step. All of that happens on the
    device.

    Args:
        net: the network; its buffers are laid side by side in memory, to be copied at once, the first time.
        optimizer: one that can skip steps, see :func:`entreg.optimizers.can_skip_steps`.
        device: of the network.

    Attributes:
        found: 1 from the first loss on that was not finite, else 0; a scalar on the device.
    """

    def __init__(self, net: nn.Module, optimizer: Optimizer, device: torch.device) -> None:
        self.found = torch.zeros((), device=device)
        optimizer.found_inf = self.found  # type: ignore[attr-defined]
        self._buffers = list(side_by_side(net))
        self._before = [buffers.clone() for buffers in self._buffers]

    def remember(self) -> None:
        """Note the buffers before a forward pass."""
        for before, buffers in zip(self._before, self._buffers, strict=True):
            before.copy_(buffers)

    def check(self, loss: Tensor) -> None:
        """Look at the loss of that forward pass."""
        self.found.masked_fill_(~torch.isfinite(loss.detach()), 1.0)

    def put_back(self) -> None:
        """Put the buffers back if that loss, or one before it, was not finite; autograd needs them until here."""
        for before, buffers in zip(self._before, self._buffers, strict=True):
            buffers.copy_(torch.where(self.found > 0, before, buffers))


def side_by_side(module: nn.Module) -> Iterator[Tensor]:
    """Lay the buffers of a module side by side in memory, and return one tensor of all for each dtype.

    The module has the same buffers, by the same names, as before: they are views of these tensors now. A buffer that is
    part of another tensor already stays where it is, and is returned by itself.
    """
    places: dict[torch.dtype, dict[Tensor, list[tuple[nn.Module, str]]]] = {}
    for owner in module.modules():
        for name, buffer in owner.named_buffers(recurse=False):
            if buffer.untyped_storage().nbytes() != buffer.nbytes:
                yield buffer  # part of another tensor, which it would be parted from
                continue
            places.setdefault(buffer.dtype, {}).setdefault(buffer, []).append((owner, name))
    for buffers in places.values():
        joined = torch.cat([buffer.flatten() for buffer in buffers])
        parts = joined.split([buffer.numel() for buffer in buffers])
        for (buffer, owners), part in zip(buffers.items(), parts, strict=True):
            for owner, name in owners:
                setattr(owner, name, part.view(buffer.shape))
        yield joined
