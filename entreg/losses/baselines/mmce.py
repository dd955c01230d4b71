"""Maximum mean calibration error."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from typing_extensions import Unpack

from entreg.losses.baselines.base import ClassificationLoss, Options
from entreg.losses.checks import check_of_batch, check_range


class MMCELoss(ClassificationLoss):
    r"""Cross-entropy plus maximum mean calibration error (Kumar, Sarawagi and Jain, ICML 2018).

    .. math::
        CE + \lambda \sqrt{\frac{1}{N^2}\sum_{i,j} (c_i - r_i)(c_j - r_j)\, e^{-|r_i - r_j| / 0.4}}

    with :math:`r` the confidence :math:`\max_k p_k` and :math:`c` 1 where the prediction is right. The second part is
    a property of the batch: it has no value for one sample and knows no class weights. Along the sorted confidences the
    kernel is a product of steps, so that the double sum takes time and memory of :math:`N \log N`.

    Args:
        strength: :math:`\lambda \ge 0`; 0 is cross-entropy.
        bandwidth: of the kernel, > 0; 0.4 in the paper.
        options: what :class:`ClassificationLoss` takes; ``"mean"`` and ``"sum"`` reduce the cross-entropy.

    Shape:
        as :class:`ClassificationLoss`.

    Raises:
        ValueError: on a negative ``strength``, a ``bandwidth`` that is not positive, or the reduction ``"none"``; in
            ``forward``, if the target is not class indices.

    Example:
        >>> MMCELoss(strength=1.0)(torch.zeros(1, 2), torch.tensor([1]))  # ln 2 + |0 - 1/2|
        tensor(1.1931)
    """

    def __init__(self, strength: float = 1.0, bandwidth: float = 0.4, **options: Unpack[Options]) -> None:
        super().__init__(**options)
        check_range("strength", strength, 0.0)
        if not 0 < bandwidth < float("inf"):
            raise ValueError(f"bandwidth must be a finite number > 0, got {bandwidth}")
        check_of_batch("MMCE", self.reduction)
        self.strength = strength
        self.bandwidth = bandwidth

    def per_sample(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the cross-entropy, the part that each sample has."""
        if target.is_floating_point():
            raise ValueError("MMCE asks whether a prediction is right: the target must be class indices")
        return F.cross_entropy(logits, target, reduction="none")

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss of ``logits`` against class indices."""
        return super().forward(logits, target) + self.strength * self.calibration_error(logits, target)

    def calibration_error(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the maximum mean calibration error of a batch, a scalar in [0, 1]."""
        class_dim = 0 if logits.ndim == 1 else 1
        dtype = torch.promote_types(logits.dtype, torch.float32)
        target = target.long()
        counted = target != self.ignore_index
        logits = torch.where(counted.unsqueeze(class_dim), logits, 0.0)
        confidence, predicted = torch.softmax(logits, class_dim, dtype=dtype).max(class_dim)
        keep = counted.to(dtype).flatten()
        excess = ((predicted == target).to(dtype) - confidence).flatten() * keep
        square = self._kernel_sum(confidence.flatten(), excess) / keep.sum().clamp(min=1).square()
        return square.clamp(min=torch.finfo(dtype).tiny).sqrt()  # 0 has no slope under a root

    def _kernel_sum(self, place: Tensor, value: Tensor) -> Tensor:
        r"""Return :math:`\sum_{i,j} v_i v_j e^{-|x_i - x_j| / b}` of places ``(N,)`` and values ``(N,)``.

        Values of equal place are summed, in the slot of the first of them. What lies below a slot then counts in it
        with the product of the steps between them.
        """
        x, order = place.detach().sort()
        first = torch.searchsorted(x, x)
        slope = (place[order] - x) / self.bandwidth  # 0: x carries no gradient, this does

        def summed(values: Tensor) -> Tensor:
            return torch.zeros_like(values).index_add(0, first, values)

        value = value[order]
        above, below = summed(value * torch.exp(-slope)), summed(value * torch.exp(slope))
        step = F.pad(torch.exp((x[:-1] - x[1:]) / self.bandwidth), (1, 0))
        return summed(value).square().sum() + 2 * (above * (_decayed_sum(below, step) - below)).sum()


def _decayed_sum(value: Tensor, step: Tensor) -> Tensor:
    r"""Return :math:`s_i = v_i + a_i s_{i-1}` with the steps a, in :math:`\log N` rounds."""
    distance = 1
    while distance < len(value):
        value = value + step * F.pad(value[:-distance], (distance, 0))
        step = step * F.pad(step[:-distance], (distance, 0))
        distance *= 2
    return value
