"""The closed form on CUDA: what :mod:`entreg.losses.kernels` are given, and for which calls."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor

from entreg.losses import kernel_layout, kernels, kernels_of_sums
from entreg.losses.coefficients import Coefficients
from entreg.losses.plain import Coefficient, Reduction, Spec
from entreg.losses.plans import NONE, WITH_SUMS, Plan, aligned, block_of, kind, kind_of_coefficient, plan

DTYPES = (torch.float32, torch.bfloat16, torch.float16)
FEW = 2**16  # samples that one program sums as fast as many
_COLUMN, _SUMS, _TERMS = kernel_layout.COLUMN.value, kernel_layout.SUMS.value, kernel_layout.MOST_TERMS.value


def fits(logits: Tensor, target: Tensor) -> bool:
    """Whether the kernels take these: ``(N, C)``, the classes side by side, in one of :data:`DTYPES`."""
    return (
        logits.ndim == 2
        and logits.dtype in DTYPES
        and len(logits) > 0
        and logits.stride(1) == 1
        and (target.ndim == 1 or (target.ndim == 2 and target.stride(1) == 1))
    )


class Kernels:
    """The loss and its gradient as kernels, for one call; see :class:`entreg.losses.closed_form.Blocks`.

    Args:
        spec: what is computed.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.
    """

    def __init__(self, spec: Spec, reduction: Reduction) -> None:
        self.spec = spec
        self.reduction = reduction

    def coefficients(self, sources: Sequence[Any]) -> Sequence[Coefficient]:
        """Return the coefficient of each term; here they are their own sources."""
        return sources

    def evaluate(
        self, logits: Tensor, target: Tensor, weight: Tensor | None, sources: Sequence[Any]
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return the loss and, for :meth:`gradients`, the numbers of each sample with their sums behind them."""
        samples = logits.shape[0]
        soft = target.ndim == 2
        arguments = self._arguments(logits, target, weight, sources)
        self.plan = self._plan_for(*arguments)
        per_sample = logits.new_empty(_COLUMN * samples + _SUMS + _TERMS, dtype=torch.float32)
        given = (per_sample, *arguments, *self.plan.numbers)
        with _device_of(logits):
            self.plan.launch(kernels.evaluate, "evaluate", (samples, 1, 1), given, self.plan.block)
            if self.reduction == "none":
                return per_sample[:samples], (per_sample,)
            if samples <= FEW:
                loss = per_sample.new_empty(())
                self._launch_one(kernels_of_sums.add_up, (per_sample, loss, samples), sources, soft, block_of(samples))
                return loss, (per_sample,)
        sums = per_sample[_COLUMN * samples : -_TERMS]
        totals = torch.sum(per_sample[: _SUMS * samples].view(_SUMS, samples), 1, out=sums)
        if self.reduction == "sum":
            return totals[0].clone(), (per_sample,)
        return totals[0] / (samples if soft else totals[1]), (per_sample,)

    def gradients(
        self,
        grad_output: Tensor,
        logits: Tensor,
        target: Tensor,
        weight: Tensor | None,
        sources: Sequence[Any],
        kept: Sequence[Tensor],
        learnt: Sequence[bool],
    ) -> tuple[Tensor, Sequence[Tensor | None]]:
        """Return the gradients for the logits and for those sources that are learnt."""
        (per_sample,) = kept
        samples, classes = logits.shape
        grad_logits = torch.empty_like(logits)
        own = (grad_output.stride(0) if grad_output.ndim else 0, grad_logits.stride(0), self.reduction == "mean")
        arguments = self._arguments(logits, target, weight, sources)
        given = (grad_output, per_sample, grad_logits, *own, *arguments, *self.plan.numbers)
        variant = ("gradient", grad_output.dtype, aligned(grad_output), own)
        grid = (samples, -(-classes // self.plan.block), 1)
        with _device_of(logits):
            self.plan.launch(kernels.gradient_of, variant, grid, given, self.plan.block)
            if True not in learnt:
                return grad_logits, [None] * len(learnt)
            return grad_logits, self._of_sources((grad_output, per_sample, samples), sources, learnt, target.ndim == 2)

    def _of_sources(
        self, found: tuple[Tensor, Tensor, int], sources: Sequence[Any], learnt: Sequence[bool], soft: bool
    ) -> Sequence[Tensor | None]:
        """Return the gradients for learnt sources, from that for the loss, what is known of samples, and N."""
        grad_output, per_sample, samples = found
        if self.reduction == "none":
            grad_terms = (per_sample[2 * samples : _SUMS * samples].view(_TERMS, samples) * grad_output).sum(1)
        else:
            grad_terms = per_sample.new_empty(_TERMS)
            self._launch_one(kernels_of_sums.gradient_of_parameters, (*found, grad_terms, per_sample), sources, soft)
        by_term = dict(zip(("ce", "entropy", "rce"), grad_terms.unbind(), strict=True))
        return [by_term[term] if one else None for term, one in zip(self.spec.terms, learnt, strict=True)]

    def _launch_one(
        self, kernel: Any, own: tuple[Any, ...], sources: Sequence[Any], soft: bool, block: int | None = None
    ) -> None:
        """Launch one program of a kernel of :mod:`entreg.losses.kernels_of_sums`, which has these first arguments."""
        parameters, constants = self._parameters(sources, instead=own[0])
        constants = (*constants, self.reduction == "mean", soft, *([] if block is None else [block]))
        variant = (kernel.__name__, own[0].dtype, constants, *[parameter.dtype for parameter in parameters])
        self.plan.launch(kernel, variant, (1, 1, 1), (*own, *parameters, *constants), block or 1)

    def _arguments(
        self, logits: Tensor, target: Tensor, weight: Tensor | None, sources: Sequence[Any]
    ) -> tuple[Any, ...]:
        """Return what both kernels are given besides numbers; class weights that are not there are the logits."""
        return (logits, target, logits if weight is None else weight.contiguous(), *self._values(logits, sources))

    def _values(self, logits: Tensor, sources: Sequence[Any]) -> Sequence[Coefficient]:
        """Return the coefficients of CE, H and RCE as kernels are given them."""
        device = logits.device
        values = [c.to(device) if isinstance(c, Tensor) and c.device != device else c for c in sources]
        if not self.spec.entropy:
            values.insert(1, 0.0)
        if not self.spec.rce:
            values.append(0.0)
        return values

    def _kinds(self, values: Sequence[Coefficient]) -> tuple[Hashable, ...]:
        """Return the kinds of these."""
        return tuple([kind_of_coefficient(value) for value in values])

    def _parameters(self, sources: Sequence[Any], instead: Tensor) -> tuple[tuple[Tensor, ...], tuple[int, ...]]:
        """Return what is known of weights and bases, as tensors and as constants; here nothing."""
        return (instead,) * 6, (0, 0, 0, 0, True)

    def _plan_for(self, logits: Tensor, target: Tensor, weight: Tensor, *values: Coefficient) -> Plan:
        """Return the plan of a call with these arguments."""
        kinds = self._kinds(values)
        tensors = (kind(logits), kind(target), kind(weight))
        return plan(
            self.spec, logits.shape, target.ndim == 2, weight is not logits, kinds, logits.get_device(), *tensors
        )


class KernelsOfParameters(Kernels):
    """The same with coefficients that kernels compute; their sources are those of a module.

    Args:
        spec: what is computed.
        reduction: ``"mean"`` or ``"sum"``, of at most :data:`FEW` samples.
        module: of :attr:`simple <entreg.losses.Coefficients.simple>` coefficients.
    """

    def __init__(self, spec: Spec, reduction: Reduction, module: Coefficients) -> None:
        super().__init__(spec, reduction)
        self.module = module

    def coefficients(self, sources: Sequence[Any]) -> Sequence[Coefficient]:
        """Return the coefficients as PyTorch computes them."""
        return self.module.identified(*sources).unbind()

    def _of_sources(
        self, found: tuple[Tensor, Tensor, int], sources: Sequence[Any], learnt: Sequence[bool], soft: bool
    ) -> Sequence[Tensor | None]:
        weights, _, bases, _ = sources
        grad_weights, grad_bases = [found[1] if each is None else torch.empty_like(each) for each in (weights, bases)]
        own = (*found, grad_weights, grad_bases)
        self._launch_one(kernels_of_sums.gradient_of_parameters, own, sources, soft)
        grads = (grad_weights, None, grad_bases, None)
        return [grad if asked else None for grad, asked in zip(grads, learnt, strict=True)]

    def _values(self, logits: Tensor, sources: Sequence[Any]) -> Sequence[Coefficient]:
        return (0.0,) * _TERMS

    def _kinds(self, values: Sequence[Coefficient]) -> tuple[Hashable, ...]:
        return WITH_SUMS, WITH_SUMS if self.spec.entropy else NONE, WITH_SUMS if self.spec.rce else NONE

    def _parameters(self, sources: Sequence[Any], instead: Tensor) -> tuple[tuple[Tensor, ...], tuple[int, ...]]:
        module = self.module
        weights, _, bases, _ = [0 if source is None else source.shape[0] for source in sources]
        weight, fixed_weight, base, fixed_base = [instead if source is None else source for source in sources]
        tensors = (weight, fixed_weight, module.weight.order, base, fixed_base, module.log_base.order)
        return tensors, (len(module.terms), weights, kernels_of_sums.MAPS[module.constraint], bases, self.spec.entropy)


def _device_of(logits: Tensor) -> AbstractContextManager[Any]:
    """Make the device of the logits the current one, on which Triton launches."""
    if not logits.is_cuda or logits.get_device() == torch.cuda.current_device():
        return nullcontext()
    return torch.cuda.device_of(logits)
