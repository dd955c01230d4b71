"""The terms of every sample, and the checks that every loss of the family starts with."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from entreg.losses import checks
from entreg.losses.plain import Spec, counts, sample_terms


class Terms(NamedTuple):
    """The terms per sample, class-weighted, in nats.

    Attributes:
        ce: cross-entropy; the shape of the logits without the class dimension, as are the next two.
        entropy: entropy H.
        rce: reverse cross-entropy, H + KL.
        normalizer: what ``reduction="mean"`` divides the sum by.
    """

    ce: Tensor
    entropy: Tensor
    rce: Tensor
    normalizer: Tensor | int

    @property
    def kl(self) -> Tensor:
        """Reverse divergence KL, RCE - H."""
        return self.rce - self.entropy


def terms(
    logits: Tensor,
    target: Tensor,
    *,
    eps: float = 1e-6,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    unlabelled: bool = False,
    validate_args: bool = True,
) -> Terms:
    r"""Return :math:`CE`, :math:`H` and :math:`RCE` of every sample, unreduced and in nats.

    Args:
        logits: unnormalised scores, see the conventions of :mod:`entreg.losses.functional`.
        target: class indices or probabilities.
        eps: floor of the target in the reverse terms, in (0, 1). It is a hyperparameter, not a numerical guard:
            for hard targets :math:`RCE = (1 - p_y)(-\ln\epsilon)`.
        weight: class weights ``(C,)``.
        ignore_index: target index whose samples count nowhere.
        label_smoothing: share of the target spread over all classes, in [0, 1].
        unlabelled: samples with ``ignore_index`` keep H, at a sample weight of 1; their RCE is H too, as their KL is 0.
        validate_args: whether to check the values of the target.

    Raises:
        ValueError: if shapes, dtypes or values of logits, target and weight do not fit, or ``eps`` or
            ``label_smoothing`` is out of range.

    Example:
        >>> parts = terms(torch.tensor([[2.0, 0.0, -1.0]]), torch.tensor([0]))
        >>> [round(term.item(), 4) for term in (parts.ce, parts.entropy, parts.rce, parts.kl)]
        [0.1698, 0.5243, 2.1581, 1.6338]
    """
    spec = specify(
        logits,
        target,
        weight,
        eps=eps,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        unlabelled=unlabelled,
    )
    batch = batched(logits, target, weight, spec, validate_args)
    counted = counts(*batch[1:], spec)
    values = [
        counted.weigh(value, term, spec) for term, value in zip(spec.terms, sample_terms(*batch, spec), strict=True)
    ]
    if logits.ndim == 1:
        values = [value.squeeze(0) for value in values]
    ce, entropy, rce = values
    return Terms(ce, entropy, rce, counted.normalizer)


def specify(
    logits: Tensor,
    target: Tensor,
    weight: Tensor | None,
    *,
    eps: float = 1e-6,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    unlabelled: bool = False,
    dense: bool = False,
    entropy: bool = True,
    rce: bool = True,
) -> Spec:
    """Check all but the values of the target and say what is to be computed."""
    checks.check_eps(eps)
    checks.check_label_smoothing(label_smoothing)
    soft = checks.check_target(logits, target, weight)
    return Spec(
        dtype=checks.compute_dtype(logits),
        eps=eps,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        unlabelled=unlabelled,
        dense=dense or soft or label_smoothing > 0,
        entropy=entropy or (unlabelled and rce),
        rce=rce,
    )


def batched(
    logits: Tensor, target: Tensor, weight: Tensor | None, spec: Spec, validate_args: bool
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Give unbatched logits and target a batch dimension, indices and class weights their dtype; check the values."""
    if logits.ndim == 1:
        logits, target = logits.unsqueeze(0), target.unsqueeze(0)
    if target.dtype == torch.uint8:
        target = target.long()  # in uint8 an ignore_index of -100 would be class 156
    if validate_args and not torch.compiler.is_compiling():
        checks.check_values(target, logits.shape[1], spec.ignore_index)
    return logits, target, None if weight is None else weight.to(spec.dtype)
