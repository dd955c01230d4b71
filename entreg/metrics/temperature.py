"""Temperature scaling: the one number that calibrates a trained classifier after the fact."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from entreg.metrics.checks import IGNORE_INDEX, check_predictions

_SPAN = math.log(1e4)  # of the temperature on each side
_TOLERANCE = 1e-10  # relative, of the temperature
_STEPS = 200  # bisection alone needs 38


def fit_temperature(logits: Tensor, target: Tensor, ignore_index: int = IGNORE_INDEX) -> float:
    r"""Temperature under which the softmax of ``logits / T`` has the least negative log-likelihood.

    .. math:: T = \arg\min_T \; -\frac1N \sum_i \log \mathrm{softmax}(z_i / T)_{y_i}

    The likelihood is convex in 1/T, so its derivative has at most one zero, which a Newton iteration on log T, kept
    within a shrinking bracket, finds to 1e-10 in float64. Fit it on validation, never on what is reported. It changes
    no predicted class.

    T is at most 1e4 times the mean over samples of the largest logit minus the mean of the finite ones, and at least
    1e-4 times that or the median over samples of the largest minus the second largest, whichever is smaller: classes
    that are masked with -1e9 make the mean large. The lower bound is returned where every sample is classified right,
    whose best temperature is 0 (or where errors are so narrow that it is near 0); the upper one where the logits are no
    better than none, e.g. all wrong, whose best temperature is infinite. Logits that are constant in every sample say
    nothing and give 1. Hence T(k z) = k T(z) for any k > 0, at the bounds too.

    Source: Guo et al. 2017, arXiv 1706.04599, section 4.2.

    Args:
        logits: ``(N, C)`` floating point; -inf is allowed for classes other than the target.
        target: ``(N,)`` class indices.
        ignore_index: target of the samples that do not count.

    Returns:
        T > 0; above 1 for an overconfident classifier, below 1 for an underconfident one.

    Raises:
        ValueError: if there is no sample, shapes or classes do not fit, a row of logits has no softmax (NaN, +inf), or
            the logit of a target is -inf, which no temperature mends.

    Example:
        >>> logits = torch.tensor([[2.0, 0.0], [2.0, 0.0], [2.0, 0.0], [2.0, 0.0]])
        >>> round(fit_temperature(logits, torch.tensor([0, 0, 0, 1])), 6)  # sigmoid(2 / T) = 3 / 4
        1.820478
    """
    logits, target = check_predictions(logits, target, ignore_index)
    z = logits.detach().double()
    z = z - z.amax(1, keepdim=True)
    possible = z.isfinite()
    finite = torch.where(possible, z, 0)
    chosen = z.gather(1, target[:, None])[:, 0]
    impossible = int((~chosen.isfinite()).sum())
    if impossible:
        raise ValueError(f"the logit of the target must be finite, got -inf for {impossible} of {len(z)} samples")

    scale = -(finite.sum(1) / possible.sum(1)).mean().item()
    if scale == 0:
        return 1.0
    margin = (-z.topk(2, 1).values[:, 1]).median().item()
    smaller = min(margin, scale) if margin > 0 else scale
    span = (-_SPAN, _SPAN + math.log(scale / smaller))
    z, finite, chosen = z / scale, finite / scale, chosen / scale

    def derivatives(x: float) -> tuple[float, float]:
        """First and second derivative of the likelihood with respect to x = log(1 / T)."""
        p = torch.softmax(math.exp(x) * z, 1)
        mean = (p * finite).sum(1)
        variance = (p * finite.square()).sum(1) - mean.square()
        first = math.exp(x) * (mean - chosen).mean().item()
        return first, first + math.exp(2 * x) * variance.mean().item()

    return scale * math.exp(-_root(derivatives, *span))


def _root(derivatives: Callable[[float], tuple[float, float]], low: float, high: float) -> float:
    """Where a first derivative vanishes within these bounds, or the one of them that is nearer to such a place.

    Newton's steps, and halves of the bracket where these would leave it.

    Args:
        derivatives: first and second derivative; the first passes zero at most once, and upwards.
        low, high: the bounds.
    """
    if derivatives(low)[0] >= 0:
        return low
    if derivatives(high)[0] <= 0:
        return high
    x = min(max(low, 0.0), high)
    for _ in range(_STEPS):
        first, second = derivatives(x)
        if first < 0:
            low = x
        else:
            high = x
        previous, x = x, (low + high) / 2
        if second > 0 and low <= previous - first / second <= high:
            x = previous - first / second
        if abs(x - previous) < _TOLERANCE:
            break
    return x
