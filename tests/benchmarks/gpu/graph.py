"""A function of tensors that stay where they are, as a CUDA graph."""

from __future__ import annotations

from collections.abc import Callable

import torch

_WARM_UP = 3  # calls before, in which libraries choose their algorithms


def captured(step: Callable[[], None]) -> Callable[[], None]:
    """Return a call that launches the whole step at once."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(_WARM_UP):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay
