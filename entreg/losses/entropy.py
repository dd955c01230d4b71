"""Cross-entropy, MIN-ENT, MIX-ENT and their relatives as modules: the named members of the family."""

from __future__ import annotations

from collections.abc import Sequence

from typing_extensions import Unpack

from entreg.losses.coefficients import Term
from entreg.losses.family import EntropyRegularizedLoss, Options
from entreg.losses.maps import Schedule
from entreg.losses.plain import Reduction


class CrossEntropyLoss(EntropyRegularizedLoss):
    """Cross-entropy, coefficients ``(1, 0, 0)``: the baseline, a drop-in for ``torch.nn.CrossEntropyLoss``.

    Args:
        weight: class weights ``(C,)``.
        ignore_index: target index whose samples count nowhere.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.
        label_smoothing: share of the target spread over all classes, in [0, 1].
        validate_args: whether to check, on a CPU, that probabilities sum to 1 and indices are in range.

    Shape:
        as :class:`EntropyRegularizedLoss`.

    Raises:
        ValueError: on an argument out of its range; in ``forward``, if the target does not fit the logits.

    Example:
        >>> import torch
        >>> CrossEntropyLoss()(torch.zeros(1, 26), torch.tensor([3]))
        tensor(3.2581)
    """

    def __init__(
        self,
        weight: Sequence[float] | None = None,
        *,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
        label_smoothing: float = 0.0,
        validate_args: bool = True,
    ) -> None:
        super().__init__(
            weight=weight,
            ignore_index=ignore_index,
            reduction=reduction,
            label_smoothing=label_smoothing,
            validate_args=validate_args,
        )


class MinEntLoss(EntropyRegularizedLoss):
    r"""MIN-ENT: :math:`w_1\,CE_{b_1}(q, p) + w_2\,H_{b_2}(p)` (arXiv 2501.13709).

    The defaults are the published end values of VGG-5 on EMNIST-Letters; their weights are squares of the published
    parameters 0.839 and 0.308. In effect: CE + 0.04 H.

    Args:
        ce_weight: weight of cross-entropy, :math:`w_1 \ge 0`.
        ce_base: log base of cross-entropy, :math:`b_1 > 1`.
        entropy_weight: weight of the entropy, :math:`w_2 \ge 0`.
        entropy_base: log base of the entropy, :math:`b_2 > 1`.
        learn_bases: whether the bases are learnt.
        schedule: course of the entropy's weight over training, see :class:`Term`.
        options: ``constraint`` and what else :class:`EntropyRegularizedLoss` takes by keyword.

    Shape:
        as :class:`EntropyRegularizedLoss`.

    Raises:
        ValueError: on a negative weight, a base <= 1, or an option out of its range.

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
        learn_bases: bool = True,
        schedule: Schedule = "constant",
        **options: Unpack[Options],
    ) -> None:
        super().__init__(
            ce=Term(ce_weight, ce_base, learn_base=learn_bases),
            entropy=Term(entropy_weight, entropy_base, learn_base=learn_bases, schedule=schedule),
            **options,
        )


class MixEntLoss(EntropyRegularizedLoss):
    r"""MIX-ENT: :math:`w_1\,CE_{b_1}(q, p) + w_2\,RCE_{b_2}(p, q)`, :math:`RCE = H + KL` (arXiv 2501.13709).

    For hard targets this is Symmetric Cross Entropy (arXiv 1908.06112): with the published values, which are the
    defaults (weights as squares of 0.717 and 0.943), 0.203 CE + 4.87 (1 - p_y).

    Args:
        ce_weight: weight of cross-entropy, :math:`w_1 \ge 0`.
        ce_base: log base of cross-entropy, :math:`b_1 > 1`.
        rce_weight: weight of cross-entropy with its roles swapped, :math:`w_2 \ge 0`.
        rce_base: log base of cross-entropy with its roles swapped, :math:`b_2 > 1`.
        learn_bases: whether the bases are learnt.
        schedule: course of the swapped term's weight over training, see :class:`Term`.
        options: ``eps``, ``constraint`` and what else :class:`EntropyRegularizedLoss` takes by keyword.

    Shape:
        as :class:`EntropyRegularizedLoss`.

    Raises:
        ValueError: on a negative weight, a base <= 1, or an option out of its range.

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
        learn_bases: bool = True,
        schedule: Schedule = "constant",
        **options: Unpack[Options],
    ) -> None:
        super().__init__(
            ce=Term(ce_weight, ce_base, learn_base=learn_bases),
            rce=Term(rce_weight, rce_base, learn_base=learn_bases, schedule=schedule),
            **options,
        )


class ReverseKLLoss(EntropyRegularizedLoss):
    r"""The divergence alone: :math:`w_1\,CE_{b_1}(q, p) + w_2\,KL_{b_2}(p \| \tilde q)`, MIX-ENT without its entropy.

    It answers which part of MIX-ENT acts (arXiv 2501.13709 reports only both together); its defaults are MIX-ENT's.

    Args:
        ce_weight: weight of cross-entropy, :math:`w_1 \ge 0`.
        ce_base: log base of cross-entropy, :math:`b_1 > 1`.
        kl_weight: weight of the divergence, :math:`w_2 \ge 0`.
        kl_base: log base of the divergence, :math:`b_2 > 1`.
        learn_bases: whether the bases are learnt.
        schedule: course of the divergence's weight over training, see :class:`Term`.
        options: ``eps``, ``constraint`` and what else :class:`EntropyRegularizedLoss` takes by keyword, except
            ``per_class_bases``.

    Shape:
        as :class:`EntropyRegularizedLoss`.

    Raises:
        ValueError: on a negative weight, a base <= 1, or an option out of its range.

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
        learn_bases: bool = True,
        schedule: Schedule = "constant",
        **options: Unpack[Options],
    ) -> None:
        super().__init__(
            ce=Term(ce_weight, ce_base, learn_base=learn_bases),
            kl=Term(kl_weight, kl_base, learn_base=learn_bases, schedule=schedule),
            **options,
        )


class ConfidencePenaltyLoss(EntropyRegularizedLoss):
    r"""The confidence penalty :math:`CE(q, p) - \beta H(p)`, MIN-ENT's opposite (arXiv 1701.06548).

    Args:
        beta: strength of the penalty, >= 0; the paper tunes it.
        options: what :class:`EntropyRegularizedLoss` takes by keyword.

    Shape:
        as :class:`EntropyRegularizedLoss`.

    Raises:
        ValueError: on a negative ``beta`` or an option out of its range.

    Example:
        >>> import torch
        >>> loss = ConfidencePenaltyLoss(beta=0.5)(torch.zeros(1, 26), torch.tensor([3]))
        >>> round(loss.item(), 4)
        1.629
    """

    def __init__(self, beta: float = 0.1, **options: Unpack[Options]) -> None:
        super().__init__(confidence=beta, **options)
