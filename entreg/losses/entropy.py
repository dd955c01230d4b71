"""Cross-entropy, MIN-ENT, MIX-ENT and their relatives as modules: the named members of the family."""

from __future__ import annotations

import math
from collections.abc import Sequence

from entreg.losses.coefficients import Constraint
from entreg.losses.family import EntropyRegularizedLoss
from entreg.losses.functional import Reduction


class CrossEntropyLoss(EntropyRegularizedLoss):
    """Cross-entropy, coefficients ``(1, 0, 0)``: the baseline, :func:`torch.nn.functional.cross_entropy`.

    Args:
        weight: class weights ``(C,)``.
        ignore_index: target index whose samples count nowhere.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.

    Example:
        >>> import torch
        >>> CrossEntropyLoss()(torch.zeros(1, 26), torch.tensor([3]))
        tensor(3.2581)
    """

    def __init__(
        self, weight: Sequence[float] | None = None, ignore_index: int = -100, reduction: Reduction = "mean"
    ) -> None:
        super().__init__(
            {"ce": 1.0},
            {"ce": math.e},
            constraint="fixed",
            learn_bases=False,
            weight=weight,
            ignore_index=ignore_index,
            reduction=reduction,
        )


class MinEntLoss(EntropyRegularizedLoss):
    r"""MIN-ENT: :math:`w_1\,CE_{b_1}(q, p) + w_2\,H_{b_2}(p)` (arXiv 2501.13709).

    The defaults are the published end values of VGG-5 on EMNIST-Letters; their weights are squares of the published
    parameters 0.839 and 0.308. In effect: CE + 0.04 H.

    Args:
        ce_weight: :math:`w_1 \ge 0`.
        ce_base: :math:`b_1 > 1`.
        entropy_weight: :math:`w_2 \ge 0`.
        entropy_base: :math:`b_2 > 1`.
        constraint: how the weights are learnt, see :class:`Coefficients`; ``"fixed"`` keeps them.
        learn_bases: whether the bases are learnt.
        weight: class weights ``(C,)``.
        ignore_index: target index whose samples count nowhere.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.

    Raises:
        ValueError: on a negative weight or a base <= 1.

    Example:
        >>> import torch
        >>> loss = MinEntLoss()(torch.zeros(1, 26), torch.tensor([3]))
        >>> round(loss.item(), 4)
        3.3922
    """

    def __init__(
        self,
        ce_weight: float = 0.839**2,
        ce_base: float = 2.02,
        entropy_weight: float = 0.308**2,
        entropy_base: float = 10.73,
        constraint: Constraint = "square",
        learn_bases: bool = True,
        weight: Sequence[float] | None = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(
            {"ce": ce_weight, "entropy": entropy_weight},
            {"ce": ce_base, "entropy": entropy_base},
            constraint=constraint,
            learn_bases=learn_bases,
            weight=weight,
            ignore_index=ignore_index,
            reduction=reduction,
        )


class MixEntLoss(EntropyRegularizedLoss):
    r"""MIX-ENT: :math:`w_1\,CE_{b_1}(q, p) + w_2\,RCE_{b_2}(p, q)`, :math:`RCE = H + KL` (arXiv 2501.13709).

    For hard targets this is Symmetric Cross Entropy (arXiv 1908.06112): with the published values, which are the
    defaults (weights as squares of 0.717 and 0.943), 0.203 CE + 4.87 (1 - p_y).

    Args:
        ce_weight: :math:`w_1 \ge 0`.
        ce_base: :math:`b_1 > 1`.
        rce_weight: :math:`w_2 \ge 0`.
        rce_base: :math:`b_2 > 1`.
        eps: floor of the target in RCE, in (0, 1).
        constraint: how the weights are learnt, see :class:`Coefficients`; ``"fixed"`` keeps them.
        learn_bases: whether the bases are learnt.
        weight: class weights ``(C,)``.
        ignore_index: target index whose samples count nowhere.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.

    Raises:
        ValueError: on a negative weight, a base <= 1, or ``eps`` outside (0, 1).

    Example:
        >>> import torch
        >>> loss = MixEntLoss()(torch.zeros(1, 26), torch.tensor([3]))
        >>> round(loss.item(), 3)
        5.346
    """

    def __init__(
        self,
        ce_weight: float = 0.717**2,
        ce_base: float = 12.58,
        rce_weight: float = 0.943**2,
        rce_base: float = 12.45,
        eps: float = 1e-6,
        constraint: Constraint = "square",
        learn_bases: bool = True,
        weight: Sequence[float] | None = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(
            {"ce": ce_weight, "rce": rce_weight},
            {"ce": ce_base, "rce": rce_base},
            eps=eps,
            constraint=constraint,
            learn_bases=learn_bases,
            weight=weight,
            ignore_index=ignore_index,
            reduction=reduction,
        )


class ReverseKLLoss(EntropyRegularizedLoss):
    r"""The divergence alone: :math:`w_1\,CE_{b_1}(q, p) + w_2\,KL_{b_2}(p \| \tilde q)`, MIX-ENT without its entropy.

    It answers which part of MIX-ENT acts (arXiv 2501.13709 reports only both together); its defaults are MIX-ENT's.

    Args:
        ce_weight: :math:`w_1 \ge 0`.
        ce_base: :math:`b_1 > 1`.
        kl_weight: :math:`w_2 \ge 0`.
        kl_base: :math:`b_2 > 1`.
        eps: floor of the target in KL, in (0, 1).
        constraint: how the weights are learnt, see :class:`Coefficients`; ``"fixed"`` keeps them.
        learn_bases: whether the bases are learnt.
        weight: class weights ``(C,)``.
        ignore_index: target index whose samples count nowhere.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.

    Raises:
        ValueError: on a negative weight, a base <= 1, or ``eps`` outside (0, 1).

    Example:
        >>> import torch
        >>> loss = ReverseKLLoss()(torch.zeros(1, 26), torch.tensor([3]))
        >>> round(loss.item(), 3)
        4.197
    """

    def __init__(
        self,
        ce_weight: float = 0.717**2,
        ce_base: float = 12.58,
        kl_weight: float = 0.943**2,
        kl_base: float = 12.45,
        eps: float = 1e-6,
        constraint: Constraint = "square",
        learn_bases: bool = True,
        weight: Sequence[float] | None = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(
            {"ce": ce_weight, "kl": kl_weight},
            {"ce": ce_base, "kl": kl_base},
            eps=eps,
            constraint=constraint,
            learn_bases=learn_bases,
            weight=weight,
            ignore_index=ignore_index,
            reduction=reduction,
        )


class ConfidencePenaltyLoss(EntropyRegularizedLoss):
    r"""The confidence penalty :math:`CE(q, p) - \beta H(p)`, MIN-ENT's opposite (arXiv 1701.06548).

    Args:
        beta: strength of the penalty, >= 0; the paper tunes it, 0.1 being typical of its image experiments.
        weight: class weights ``(C,)``.
        ignore_index: target index whose samples count nowhere.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.

    Raises:
        ValueError: on a negative ``beta``.

    Example:
        >>> import torch
        >>> loss = ConfidencePenaltyLoss(beta=0.5)(torch.zeros(1, 26), torch.tensor([3]))
        >>> round(loss.item(), 4)
        1.629
    """

    def __init__(
        self,
        beta: float = 0.1,
        weight: Sequence[float] | None = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(
            {"ce": 1.0, "confidence": beta},
            {"ce": math.e, "confidence": math.e},
            constraint="fixed",
            learn_bases=False,
            weight=weight,
            ignore_index=ignore_index,
            reduction=reduction,
        )
