r"""The loss family as pure functions of logits: every loss of the paper is a choice of three coefficients.

.. math::
    l_i = c_{ce}\, CE(q_i, p_i) + c_h\, H(p_i) + c_{kl}\, KL(p_i \| \tilde q_i),
    \qquad \tilde q = \mathrm{clamp}(q, \epsilon, 1)

with :math:`p = \mathrm{softmax}(z)` the prediction and :math:`q` the target distribution. A logarithm of base
:math:`b` only rescales its term: :math:`w\,CE_b = (w / \ln b)\,CE_e`.

Shared conventions
    * ``logits``: ``(C,)``, ``(N, C)`` or ``(N, C, d1, ...)``, floating point. ``float16`` and ``bfloat16`` are
      computed and returned in ``float32``. Logits of ``-inf`` are fine for classes that are not the target.
    * ``target``: class indices (``int64`` or ``uint8``, the shape of ``logits`` without its class dimension) or
      probabilities (floating point, the shape of ``logits``).
    * ``weight``: class weights ``(C,)``. With indices the whole sample is multiplied by :math:`w_y` and ``"mean"``
      divides by :math:`\sum_i w_{y_i}`, as in :func:`torch.nn.functional.cross_entropy`. With probabilities CE is
      weighted inside its sum, H and KL are multiplied by :math:`\sum_k w_k q_k`, and ``"mean"`` divides by N.
    * ``label_smoothing``: :math:`s` in [0, 1]; the target of every term becomes :math:`(1 - s)\,q + s / C`. With class
      weights and indices CE is that of :func:`torch.nn.functional.cross_entropy`, weighted inside its sum.
    * ``ignore_index``: samples with this index leave every term (indices only). With ``unlabelled`` they keep H.
    * ``reduction``: ``"none"``, ``"mean"`` or ``"sum"``.
    * ``validate_args``: whether values are checked, on a CPU: that probabilities sum to 1 and indices are in range; an
      accelerator would have to wait for that. Shapes and dtypes are always checked. Nothing is where a loss is
      compiled.

Source: A. O. Ibraheem, *Regularizing cross entropy loss via minimum entropy and K-L divergence*, arXiv 2501.13709.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from entreg.losses import checks
from entreg.losses.evaluate import coefficients_for, weighted_sum
from entreg.losses.plain import Coefficient, Reduction, entropy_of, reduce
from entreg.losses.terms import Terms, batched, specify, terms

__all__ = ["Terms", "cross_entropy", "entropy", "entropy_regularized", "reverse_cross_entropy", "reverse_kl", "terms"]


def entropy_regularized(
    logits: Tensor,
    target: Tensor,
    *,
    ce: Coefficient = 1.0,
    entropy: Coefficient = 0.0,
    kl: Coefficient = 0.0,
    rce: Coefficient = 0.0,
    penalty: Coefficient = 0.0,
    eps: float = 1e-6,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    unlabelled: bool = False,
    reduction: Reduction = "mean",
    validate_args: bool = True,
    fused: bool | None = None,
) -> Tensor:
    r"""The whole family, :math:`c_{ce}\,CE + c_h\,H + c_{kl}\,KL(p\|\tilde q) + c_{rce}\,RCE` (arXiv 2501.13709).

    ``ce=1`` is cross-entropy, ``ce=c1, entropy=c2`` MIN-ENT, ``ce=c1, rce=c2`` MIX-ENT (as :math:`RCE = H + KL`, the
    same as ``entropy=c2, kl=c2``), ``entropy=-beta`` the confidence penalty of arXiv 1701.06548.

    Args:
        logits: unnormalised scores, see the module's conventions.
        target: class indices or probabilities.
        ce: effective coefficient ``weight / ln(base)`` of the cross-entropy; a float, a scalar tensor, or a tensor
            ``(C,)`` with one for each class: :math:`-\sum_k c_k q_k \ln p_k`.
        entropy: effective coefficient of the entropy; per class :math:`-\sum_k c_k p_k \ln p_k`.
        kl: effective coefficient of the reverse divergence; never per class, where it would have no lower bound.
        rce: effective coefficient of the reverse cross-entropy; per class :math:`-\sum_k c_k p_k \ln\tilde q_k`.
        penalty: added to every sample that counts, times its weight: what learning the coefficients costs.
        eps: floor of the target in the reverse terms, in (0, 1).
        weight, ignore_index, label_smoothing, reduction, validate_args: see the module's conventions.
        unlabelled: samples with ``ignore_index`` keep their entropy and count in the mean (Grandvalet and Bengio 2004).
        fused: whether to use :mod:`entreg.losses.fused`; ``None``: on CUDA where its kernels take the logits, elsewhere
            from 2^17 logits on. Under ``torch.compile`` and with a coefficient for each class it is never used.

    Raises:
        ValueError: on shapes, dtypes, values or options that do not fit, or a coefficient per class of ``kl``.

    Example:
        >>> entropy_regularized(torch.tensor([[2.0, 0.0, -1.0]]), torch.tensor([0]), ce=1.0, entropy=0.5)
        tensor(0.4320)
    """
    checks.check_reduction(reduction)
    checks.check_logits(logits)
    coefficients = coefficients_for(logits, ce, entropy, kl, rce)
    spec = specify(
        logits,
        target,
        weight,
        eps=eps,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        unlabelled=unlabelled,
        **coefficients.asked(),
    )
    batch = batched(logits, target, weight, spec, validate_args)
    loss = weighted_sum(batch, spec, coefficients, penalty, reduction, fused)
    return loss.squeeze(0) if logits.ndim == 1 and reduction == "none" else loss


def cross_entropy(
    logits: Tensor,
    target: Tensor,
    *,
    base: float = math.e,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: Reduction = "mean",
    validate_args: bool = True,
) -> Tensor:
    r"""Cross-entropy :math:`CE_b(q, p) = -\sum_k q_k \log_b p_k`, in :math:`[0, \infty)`.

    Raises:
        ValueError: if ``base`` is not > 1, or on a target that does not fit.

    Example:
        >>> cross_entropy(torch.zeros(1, 4), torch.tensor([1]), base=2.0)
        tensor(2.)
    """
    return entropy_regularized(
        logits,
        target,
        ce=1 / checks.log_base(base),
        weight=weight,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        reduction=reduction,
        validate_args=validate_args,
    )


def entropy(logits: Tensor, *, base: float = math.e, reduction: Reduction = "mean") -> Tensor:
    r"""Shannon entropy of the prediction, :math:`H_b(p) = -\sum_k p_k \log_b p_k`, in :math:`[0, \log_b C]`.

    Raises:
        ValueError: if ``base`` is not > 1 or ``reduction`` is unknown.

    Example:
        >>> entropy(torch.zeros(1, 8), base=2.0)
        tensor(3.0000)
    """
    checks.check_logits(logits)
    z = logits.unsqueeze(0) if logits.ndim == 1 else logits
    log_p = torch.log_softmax(z, 1, dtype=checks.compute_dtype(logits))
    values = entropy_of(log_p, log_p.exp())
    return reduce(values.squeeze(0) if logits.ndim == 1 else values, values.numel(), reduction) / checks.log_base(base)


def reverse_cross_entropy(
    logits: Tensor,
    target: Tensor,
    *,
    base: float = math.e,
    eps: float = 1e-6,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    validate_args: bool = True,
) -> Tensor:
    r"""Cross-entropy with its roles swapped, :math:`RCE_b(p, q) = -\sum_k p_k \log_b \tilde q_k = H_b + KL_b`.

    For hard targets it is :math:`(1 - p_y)(-\log_b \epsilon)`, a multiple of the mean absolute error: the reverse
    term of Symmetric Cross Entropy (arXiv 1908.06112) with :math:`A = \ln\epsilon`.

    Raises:
        ValueError: if ``base`` is not > 1, ``eps`` is outside (0, 1), or on a target that does not fit.

    Example:
        >>> reverse_cross_entropy(torch.zeros(1, 4), torch.tensor([1]), base=10.0)
        tensor(4.5000)
    """
    c = 1 / checks.log_base(base)
    return entropy_regularized(
        logits,
        target,
        ce=0.0,
        rce=c,
        eps=eps,
        weight=weight,
        ignore_index=ignore_index,
        reduction=reduction,
        validate_args=validate_args,
    )


def reverse_kl(
    logits: Tensor,
    target: Tensor,
    *,
    base: float = math.e,
    eps: float = 1e-6,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    validate_args: bool = True,
) -> Tensor:
    r"""Reverse divergence :math:`KL_b(p \| \tilde q) = \sum_k p_k (\log_b p_k - \log_b \tilde q_k)`.

    As :math:`\tilde q` is not renormalised, its lower bound is :math:`-\log_b \sum_k \tilde q_k`, a little below 0.

    Raises:
        ValueError: if ``base`` is not > 1, ``eps`` is outside (0, 1), or on a target that does not fit.

    Example:
        >>> reverse_kl(torch.zeros(1, 4), torch.tensor([1]))
        tensor(8.9753)
    """
    c = 1 / checks.log_base(base)
    return entropy_regularized(
        logits,
        target,
        ce=0.0,
        kl=c,
        eps=eps,
        weight=weight,
        ignore_index=ignore_index,
        reduction=reduction,
        validate_args=validate_args,
    )
