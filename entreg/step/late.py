"""Numbers on their way from the device to the CPU."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class Late:
    """Numbers that have been computed on a device, sent without waiting for them.

    Args:
        values: of any shape; later changes of them are not seen.

    Example:
        >>> Late(torch.tensor([1.0, 2.0])).read()
        [1.0, 2.0]
    """

    def __init__(self, values: Tensor) -> None:
        self._event: torch.cuda.Event | None = None
        if values.is_cuda:
            self._values = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
            self._values.copy_(values.detach(), non_blocking=True)
            self._event = torch.cuda.Event()
            self._event.record()
        else:
            self._values = values.detach().clone()

    def read(self) -> Any:
        """Return the numbers, in lists as ``Tensor.tolist`` does; it waits for what was given to the device before."""
        if self._event is not None:
            self._event.synchronize()
            self._event = None  # one that is left to the garbage collector of a forked DataLoader worker would crash it
        return self._values.numpy().tolist()
