r"""The loss family as pure functions of logits: every loss of the paper is a choice of three coefficients.

.. math::
    l_i = c_{ce}\, CE(q_i, p_i) + c_h\, H(p_i) + c_{kl}\, KL(p_i \| \tilde q_i),
    \qquad \tilde q = \mathrm{clamp}(q, \epsilon, 1)

with :math:`p = \mathrm{softmax}(z)` the prediction and :math:`q` the target distribution. A logarithm of base
:math:`b` only rescales its term: :math:`w\,CE_b = (w / \ln b)\,CE_e`.

Shared conventions
    * ``logits``: ``(C,)``, ``(N, C)`` or ``(N, C, d1, ...)``, floating point. ``float16`` and ``bfloat16`` are
      computed and returned in ``float32``. Logits of ``-inf`` are fine for classes that are not the target.
    * ``target``: class indices (``int64``, the shape of ``logits`` without its class dimension) or probabilities
      (floating point, the shape of ``logits``).
    * ``weight``: class weights ``(C,)``. With indices the whole sample is multiplied by :math:`w_y` and ``"mean"``
      divides by :math:`\sum_i w_{y_i}`, as in :func:`torch.nn.functional.cross_entropy`. With probabilities CE is
      weighted inside its sum, H and KL are multiplied by :math:`\sum_k w_k q_k`, and ``"mean"`` divides by N.
    * ``ignore_index``: samples with this index leave every term (indices only).
    * ``reduction``: ``"none"``, ``"mean"`` or ``"sum"``.

Source: A. O. Ibraheem, *Regularizing cross entropy loss via minimum entropy and K-L divergence*, arXiv 2501.13709.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

Reduction = Literal["none", "mean", "sum"]
Coefficient = float | Tensor


class Terms(NamedTuple):
    """The three terms per sample, class-weighted, in nats, and what ``reduction="mean"`` divides their sum by."""

    ce: Tensor
    entropy: Tensor
    kl: Tensor
    normalizer: Tensor


def terms(
    logits: Tensor,
    target: Tensor,
    *,
    eps: float = 1e-6,
    weight: Tensor | None = None,
    ignore_index: int = -100,
) -> Terms:
    r"""Return :math:`CE`, :math:`H` and :math:`KL` of every sample, unreduced and in nats.

    Args:
        logits: unnormalised scores, see the module's conventions.
        target: class indices or probabilities.
        eps: floor of the target in the reverse terms, in (0, 1). It is a hyperparameter, not a numerical guard:
            for hard targets :math:`RCE = (1 - p_y)(-\ln\epsilon)`.
        weight: class weights ``(C,)``.
        ignore_index: target index whose samples count nowhere.

    Returns:
        Tensors of the shape of ``logits`` without the class dimension (ignored samples are 0) and the scalar
        normaliser of the mean.

    Raises:
        ValueError: if shapes or dtypes of logits, target and weight do not fit, or ``eps`` is outside (0, 1).
    """
    check_eps(eps)
    dtype = _compute_dtype(logits)
    class_dim = 0 if logits.ndim == 1 else 1
    classes = logits.shape[class_dim]
    if weight is not None and weight.shape != (classes,):
        raise ValueError(f"weight must hold one number for each of {classes} classes, got shape {tuple(weight.shape)}")
    soft = _is_soft(logits, target, class_dim)
    log_p = F.log_softmax(logits, dim=class_dim, dtype=dtype)
    p = log_p.exp()
    entropy = _entropy(log_p, p, class_dim)
    if soft:
        return _soft_terms(log_p, p, entropy, target.to(log_p.dtype), eps, weight, class_dim)
    keep = target != ignore_index
    index = torch.where(keep, target, 0)
    log_p_y = log_p.gather(class_dim, index.unsqueeze(class_dim)).squeeze(class_dim)
    rce = torch.expm1(log_p_y) * math.log(eps)  # (1 - p_y) * (-ln eps), exact when p_y is close to 1
    sample_weight = keep.to(log_p.dtype) if weight is None else keep * weight.to(log_p.dtype)[index]
    # where(), not a product with 0: an ignored sample may hold an infinite or undefined term.
    ce, entropy, kl = (torch.where(keep, term * sample_weight, 0.0) for term in (-log_p_y, entropy, rce - entropy))
    return Terms(ce, entropy, kl, sample_weight.sum())


def entropy_regularized(
    logits: Tensor,
    target: Tensor,
    *,
    ce: Coefficient = 1.0,
    entropy: Coefficient = 0.0,
    kl: Coefficient = 0.0,
    eps: float = 1e-6,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""The whole family, :math:`c_{ce}\,CE + c_h\,H + c_{kl}\,KL(p\|\tilde q)` (arXiv 2501.13709).

    ``(1, 0, 0)`` is cross-entropy, ``(c1, c2, 0)`` MIN-ENT, ``(c1, c2, c2)`` MIX-ENT, ``(1, -beta, 0)`` the
    confidence penalty of arXiv 1701.06548.

    Args:
        logits: unnormalised scores, see the module's conventions.
        target: class indices or probabilities.
        ce: effective coefficient ``weight / ln(base)`` of the cross-entropy; a float or a scalar tensor.
        entropy: effective coefficient of the entropy.
        kl: effective coefficient of the reverse Kullback-Leibler divergence.
        eps: floor of the target in the reverse terms, in (0, 1).
        weight: class weights ``(C,)``.
        ignore_index: target index whose samples count nowhere.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.

    Raises:
        ValueError: on shapes, dtypes, ``eps`` or ``reduction`` that do not fit.

    Example:
        >>> logits = torch.tensor([[2.0, 0.0, -1.0]])
        >>> target = torch.tensor([0])
        >>> entropy_regularized(logits, target, ce=1.0, entropy=0.5)
        tensor(0.4320)
    """
    parts = terms(logits, target, eps=eps, weight=weight, ignore_index=ignore_index)
    return reduce(ce * parts.ce + entropy * parts.entropy + kl * parts.kl, parts.normalizer, reduction)


def cross_entropy(
    logits: Tensor,
    target: Tensor,
    *,
    base: float = math.e,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Cross-entropy :math:`CE_b(q, p) = -\sum_k q_k \log_b p_k`, in :math:`[0, \infty)`.

    Raises:
        ValueError: if ``base`` is not > 1, or on shapes that do not fit.

    Example:
        >>> cross_entropy(torch.zeros(1, 4), torch.tensor([1]), base=2.0)
        tensor(2.)
    """
    parts = terms(logits, target, weight=weight, ignore_index=ignore_index)
    return reduce(parts.ce, parts.normalizer, reduction) / log_base(base)


def entropy(logits: Tensor, *, base: float = math.e, reduction: Reduction = "mean") -> Tensor:
    r"""Shannon entropy of the prediction, :math:`H_b(p) = -\sum_k p_k \log_b p_k`, in :math:`[0, \log_b C]`.

    Raises:
        ValueError: if ``base`` is not > 1 or ``reduction`` is unknown.

    Example:
        >>> entropy(torch.zeros(1, 8), base=2.0)
        tensor(3.0000)
    """
    class_dim = 0 if logits.ndim == 1 else 1
    log_p = F.log_softmax(logits, dim=class_dim, dtype=_compute_dtype(logits))
    values = _entropy(log_p, log_p.exp(), class_dim)
    return reduce(values, values.new_tensor(values.numel()), reduction) / log_base(base)


def reverse_cross_entropy(
    logits: Tensor,
    target: Tensor,
    *,
    base: float = math.e,
    eps: float = 1e-6,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Cross-entropy with its roles swapped, :math:`RCE_b(p, q) = -\sum_k p_k \log_b \tilde q_k = H_b + KL_b`.

    For hard targets it is the mean absolute error, :math:`(1 - p_y)(-\log_b \epsilon)`: the reverse term of
    Symmetric Cross Entropy (arXiv 1908.06112) with :math:`A = \ln\epsilon`.

    Raises:
        ValueError: if ``base`` is not > 1, ``eps`` is outside (0, 1), or on shapes that do not fit.

    Example:
        >>> reverse_cross_entropy(torch.zeros(1, 4), torch.tensor([1]), base=10.0)
        tensor(4.5000)
    """
    parts = terms(logits, target, eps=eps, weight=weight, ignore_index=ignore_index)
    return reduce(parts.entropy + parts.kl, parts.normalizer, reduction) / log_base(base)


def reverse_kl(
    logits: Tensor,
    target: Tensor,
    *,
    base: float = math.e,
    eps: float = 1e-6,
    weight: Tensor | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Reverse divergence :math:`KL_b(p \| \tilde q) = \sum_k p_k (\log_b p_k - \log_b \tilde q_k)`.

    As :math:`\tilde q` is not renormalised, its lower bound is :math:`-\log_b \sum_k \tilde q_k`, a little below 0.

    Raises:
        ValueError: if ``base`` is not > 1, ``eps`` is outside (0, 1), or on shapes that do not fit.

    Example:
        >>> reverse_kl(torch.zeros(1, 4), torch.tensor([1]))
        tensor(8.9753)
    """
    parts = terms(logits, target, eps=eps, weight=weight, ignore_index=ignore_index)
    return reduce(parts.kl, parts.normalizer, reduction) / log_base(base)


def log_base(base: float) -> float:
    """Return ``ln(base)``; a base that is not a finite number > 1 is a ``ValueError``."""
    if not 1 < base < math.inf:
        raise ValueError(f"base must be a number > 1, got {base}")
    return math.log(base)


def check_eps(eps: float) -> None:
    """Raise ``ValueError`` unless 0 < eps < 1."""
    if not 0 < eps < 1:
        raise ValueError(f"eps must lie strictly between 0 and 1, got {eps}")


def check_reduction(reduction: str) -> None:
    """Raise ``ValueError`` unless ``reduction`` is one of PyTorch's."""
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"reduction must be 'none', 'mean' or 'sum', got {reduction!r}")


def reduce(values: Tensor, normalizer: Tensor, reduction: Reduction) -> Tensor:
    """Reduce per-sample values as PyTorch does, the mean being ``sum / normalizer``."""
    check_reduction(reduction)
    if reduction == "none":
        return values
    return values.sum() / normalizer if reduction == "mean" else values.sum()


def _entropy(log_p: Tensor, p: Tensor, class_dim: int) -> Tensor:
    # A class of probability 0 contributes 0 * log 0 = 0; filled in, value and gradient of that are 0 too.
    return -(p * log_p.masked_fill(p == 0, 0.0)).sum(class_dim)


def _compute_dtype(logits: Tensor) -> torch.dtype:
    if not logits.is_floating_point():
        raise ValueError(f"logits must be floating point, got {logits.dtype}")
    return torch.float64 if logits.dtype == torch.float64 else torch.float32


def _is_soft(logits: Tensor, target: Tensor, class_dim: int) -> bool:
    index_shape = logits.shape[:class_dim] + logits.shape[class_dim + 1 :]
    if target.is_floating_point():
        if target.shape != logits.shape:
            raise ValueError(
                f"probabilities must have the shape of the logits, got {tuple(target.shape)} for {tuple(logits.shape)}"
            )
        return True
    if target.dtype != torch.int64:
        raise ValueError(f"class indices must be int64, got {target.dtype}")
    if target.shape != index_shape:
        raise ValueError(
            f"class indices for logits {tuple(logits.shape)} must have shape {tuple(index_shape)}, "
            f"got {tuple(target.shape)}"
        )
    return False


def _soft_terms(
    log_p: Tensor,
    p: Tensor,
    entropy: Tensor,
    q: Tensor,
    eps: float,
    weight: Tensor | None,
    class_dim: int,
) -> Terms:
    rce = -(p * q.clamp(eps, 1.0).log()).sum(class_dim)
    wq = q
    if weight is not None:
        shape = [1] * q.ndim
        shape[class_dim] = -1
        wq = q * weight.to(q.dtype).view(shape)
    ce = -torch.where(wq == 0, 0.0, wq * log_p).sum(class_dim)
    kl = rce - entropy
    if weight is not None:
        sample_weight = wq.sum(class_dim)
        entropy, kl = entropy * sample_weight, kl * sample_weight
    return Terms(ce, entropy, kl, ce.new_tensor(ce.numel()))
