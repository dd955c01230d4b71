"""A training step captured as a CUDA graph: launched once as a whole instead of operation by operation."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.optim import Optimizer

from entreg.data import Batch
from entreg.step.constants import are_as_they_were, options, places, plain_values, seen_from_outside, sums
from entreg.step.module import StepOutput
from entreg.step.training import TrainingStep

_WARM_UP = 3  # steps before a capture, in which libraries choose their algorithms


class NotCapturable(Exception):
    """A step cannot be captured, and why."""


class CapturedStep:
    """A step that is replayed; with ``graph=None``, as on a CPU, it is called instead.

    Learning rates are numbers in the optimizer, where schedules and monitors look for them. The captured step reads
    them from memory, into which they are written before it is replayed.

    Args:
        step: the step.
        rates: where it reads the learning rate of each parameter group.
        graph: what was captured of it.

    Attributes:
        shows_ahead: whether a batch is gathered when it is placed, for callbacks that look at it before the step; the
            step gathers it again, and sees no change of it.
    """

    shows_ahead = False

    def __init__(self, step: TrainingStep, rates: list[Tensor], graph: torch.cuda.CUDAGraph | None) -> None:
        self.step = step
        self.rates = rates
        self.graph = graph
        self.batch = step.batch
        self._written: list[float | None] = [None] * len(rates)
        self._groups = options(step.optimizer)
        self._of_loss = plain_values(step.model.get_submodule("loss"))
        self._of_net = plain_values(step.model.get_submodule("net"))
        self._places = places(step)

    def place(self, ids: Tensor, epoch: int) -> Batch:
        """Say which batch the next step is for; return it, its inputs and targets being there when the step is done."""
        self.step.place(ids, epoch)
        if self.shows_ahead:
            self.fill()
        return self.batch._replace(id=ids)

    def fill(self) -> None:
        """Gather the batch that was placed last, for somebody else to look at or to do its step."""
        self._show(self.step.data.training_batch(self.step.ids, self.step.epoch))

    def replay(self) -> StepOutput:
        """Do one step. What it returns is overwritten by the next one."""
        if self.graph is None:
            self.step()
            self._show(self.step.batch)
            return self.step.output
        for group, rate, written in zip(self.step.optimizer.param_groups, self.rates, self._written, strict=True):
            if group["lr"] != written:
                rate.fill_(group["lr"])
        self._written = [group["lr"] for group in self.step.optimizer.param_groups]
        self.graph.replay()
        return self.step.output

    def is_current(self, thoroughly: bool) -> bool:
        """Whether what was captured as a constant is unchanged.

        Args:
            thoroughly: look at the network's plain attributes and at the places of all tensors too, besides the options
                of the optimizer and the attributes of the loss; that takes longer.
        """
        if self._groups != options(self.step.optimizer) or not are_as_they_were(self._of_loss):
            return False
        return not thoroughly or (are_as_they_were(self._of_net) and self._places == places(self.step))

    def _show(self, batch: Batch) -> None:
        """Write a batch where callbacks look for it."""
        self.batch.input.copy_(batch.input)
        self.batch.target.copy_(batch.target)


def capture(step: TrainingStep) -> CapturedStep:
    """Capture a step, which leaves no trace of itself: the guard lets nothing change meanwhile.

    Raises:
        NotCapturable: if it waits for the device, or does something else that a graph cannot hold.
    """
    device = step.ids.device
    rates = [torch.zeros((), device=device) for _ in step.optimizer.param_groups]
    with _without_trace(step):
        if device.type != "cuda":
            step()
            return CapturedStep(step, rates, None)
        try:
            with _rates_in_memory(step.optimizer, rates):
                graph = _captured(step)
        except RuntimeError as error:
            raise NotCapturable(str(error).strip().splitlines()[0]) from error
    return CapturedStep(step, rates, graph)


def _captured(step: TrainingStep) -> torch.cuda.CUDAGraph:
    """Warm up on a stream of its own, refusing what waits for the device, then capture."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    try:
        with torch.cuda.stream(stream):
            step()
            before = seen_from_outside(step)
            with _refusing_to_wait():
                for _ in range(_WARM_UP - 1):
                    step()
    finally:
        torch.cuda.current_stream().wait_stream(stream)
    after = seen_from_outside(step)
    if changed := [name for name, value in after.items() if before.get(name, value) != value]:
        raise NotCapturable(f"every step changes {changed[0].rstrip('0123456789').rstrip()}")
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        step()
    return graph


@contextlib.contextmanager
def _without_trace(step: TrainingStep) -> Iterator[None]:
    """Undo what calls of the step change: nothing is learnt, the scores are put back, the generators too."""
    device = step.ids.device
    kept = [(tensor, tensor.clone()) for tensor in (*sums(step), *step.model.loss.buffers())]
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        step.guard.found.fill_(1.0)
        try:
            yield
        finally:
            step.guard.put_back()  # what a step has spoilt that was broken off
            step.guard.found.zero_()
            for tensor, before in kept:
                tensor.copy_(before)


@contextlib.contextmanager
def _rates_in_memory(optimizer: Optimizer, rates: list[Tensor]) -> Iterator[None]:
    """Let the optimizer read its learning rates from memory."""
    kept = [(group["lr"], group["capturable"]) for group in optimizer.param_groups]
    try:
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"], group["capturable"] = rate, True
        yield
    finally:
        for group, (lr, capturable) in zip(optimizer.param_groups, kept, strict=True):
            group["lr"], group["capturable"] = lr, capturable


@contextlib.contextmanager
def _refusing_to_wait() -> Iterator[None]:
    """Let whatever waits for the device be an error."""
    mode = torch.cuda.get_sync_debug_mode()
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode(mode)
