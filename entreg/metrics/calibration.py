r"""Top-label calibration error over fixed-size, summable bin states.

Conventions: the confidence is the largest softmax probability, in the dtype of the logits and at least float32.
Bins are equally wide and closed on the left, :math:`[m/B, (m+1)/B)`; the last one also holds a confidence of exactly 1.
Sums are float64, in which a sum of float32 confidences is exact up to :math:`10^6` samples: the result does not
depend, to the last bit, on how the data is batched or spread over processes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torchmetrics import Metric

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def bin_confidences(confidence: Tensor, correct: Tensor, bins: int) -> Tensor:
    """Sort predictions into bins of confidence.

    Args:
        confidence: ``(N,)`` in [0, 1].
        correct: ``(N,)`` bool.
        bins: number of bins B.

    Returns:
        ``(3, B)`` float64: count, sum of confidences, number correct, of each bin.

    Example:
        >>> bin_confidences(torch.tensor([0.6, 1.0]), torch.tensor([False, True]), bins=2)
        tensor([[0.0000, 2.0000],
                [0.0000, 1.6000],
                [0.0000, 1.0000]], dtype=torch.float64)
    """
    edges = torch.arange(1, bins, dtype=torch.float64, device=confidence.device) / bins
    confidence = confidence.double()
    index = torch.bucketize(confidence, edges, right=True)  # interior edges only: nothing falls outside
    rows = torch.stack([torch.ones_like(confidence), confidence, correct.double()])
    return rows.new_zeros(3, bins).index_add_(1, index, rows)


def calibration_error(state: Tensor) -> Tensor:
    r"""Expected calibration error :math:`\sum_m \frac{n_m}{n} |acc_m - conf_m|` of a bin state, in [0, 1].

    Source: Naeini et al. 2015; Guo et al. 2017, arXiv 1706.04599, eq. 3.

    Args:
        state: ``(3, B)`` as :func:`bin_confidences` returns it, summed over any number of batches.

    Returns:
        scalar float64, NaN for an empty state.
    """
    count, confidence, correct = state
    return (correct - confidence).abs().sum() / count.sum()


def top_label(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Confidence of the predicted class and whether it is right, both ``(N,)``, from logits ``(N, C)``."""
    dtype = torch.promote_types(logits.dtype, torch.float32)
    confidence, predicted = F.softmax(logits, dim=1, dtype=dtype).max(dim=1)
    return confidence, predicted == target


class CalibrationError(Metric):
    """Top-label expected calibration error from logits.

    Args:
        bins: number of equally wide bins.
        kwargs: arguments of :class:`torchmetrics.Metric`.

    Shape:
        logits ``(N, C)`` floating point; target ``(N,)`` int64; result scalar float64 in [0, 1].

    Example:
        >>> metric = CalibrationError(bins=10)
        >>> metric.update(torch.tensor([[0.0, 0.0], [50.0, 0.0]]), torch.tensor([0, 0]))
        >>> metric.compute()
        tensor(0.2500, dtype=torch.float64)
    """

    is_differentiable = False
    higher_is_better = False
    full_state_update = False
    state: Tensor

    def __init__(self, bins: int = 15, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if bins < 1:
            raise ValueError(f"bins must be >= 1, got {bins}")
        self.bins = bins
        self.add_state("state", torch.zeros(3, bins, dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, logits: Tensor, target: Tensor) -> None:
        """Add a batch."""
        self.state += bin_confidences(*top_label(logits, target), self.bins)

    def compute(self) -> Tensor:
        """Return the error over all batches."""
        return calibration_error(self.state)


def reliability_diagram(state: Tensor, title: str = "") -> Figure:
    """Draw accuracy against confidence with the share of samples in each bin.

    Args:
        state: ``(3, B)`` as :func:`bin_confidences` returns it.
        title: what is shown.

    Returns:
        a matplotlib figure that belongs to no window.
    """
    from matplotlib.figure import Figure  # imported late: a second that only pictures need

    count, confidence, correct = state.cpu().numpy()
    bins = len(count)
    filled = count > 0
    left = [m / bins for m in range(bins)]
    figure = Figure(figsize=(4.2, 4.8), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    accuracy, mean_confidence = (values[filled] / count[filled] for values in (correct, confidence))
    top.bar(
        [x for x, f in zip(left, filled, strict=True) if f],
        accuracy,
        1 / bins,
        align="edge",
        color="#9ecae1",
        ec="w",
    )
    top.plot([0, 1], [0, 1], color="0.4", lw=1, ls="--", label="calibrated")
    top.plot(mean_confidence, accuracy, "o-", color="#08519c", ms=3, lw=1, label="model")
    top.set(
        ylabel="accuracy",
        xlim=(0, 1),
        ylim=(0, 1),
        title=f"{title}  ECE {calibration_error(state):.2%}".strip(),
    )
    top.legend(loc="upper left", frameon=False)
    bottom.bar(left, count / count.sum(), 1 / bins, align="edge", color="0.6", ec="w")
    bottom.set(xlabel="confidence", ylabel="share")
    return figure
