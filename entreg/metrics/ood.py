r"""Out-of-distribution detection: scores from logits, and how well a score tells two sets apart.

Larger always means more in-distribution. Scores are float64 whatever the dtype of the logits: the softmax of an
overconfident network is exactly 1 in float32 for most samples, and what is tied can not be ranked.
"""

from __future__ import annotations

import torch
from torch import Tensor

from entreg.metrics.checks import check_logits
from entreg.metrics.scores import predictive_entropy
from entreg.metrics.ties import group_ties


def max_softmax(logits: Tensor) -> Tensor:
    r"""Largest softmax probability, as its log-odds, :math:`\log \frac{p}{1 - p} = z_1 - \log \sum_{k > 1} e^{z_k}`.

    The log-odds rank samples as the probability does and do not saturate at any logits; the probability itself is
    their sigmoid. Here :math:`z_1` is the largest logit.

    Source: Hendrycks and Gimpel 2017, arXiv 1610.02136.

    Args:
        logits: ``(N, C)`` floating point.

    Returns:
        ``(N,)`` float64 in [-ln(C - 1), inf].

    Example:
        >>> max_softmax(torch.tensor([[3.0, 0.0], [200.0, 0.0]]))
        tensor([  3., 200.], dtype=torch.float64)
    """
    z = logits.double()
    largest, index = z.max(1, keepdim=True)
    return largest[:, 0] - z.scatter(1, index, -torch.inf).logsumexp(1)


def max_logit(logits: Tensor) -> Tensor:
    """Largest logit, ``(N,)`` float64, from logits ``(N, C)`` (Hendrycks et al. 2022, arXiv 1911.11132)."""
    return logits.double().amax(1)


def negative_entropy(logits: Tensor) -> Tensor:
    """Negative Shannon entropy of the softmax in nats, ``(N,)`` float64 in [-ln C, 0], from logits ``(N, C)``."""
    return -predictive_entropy(logits.double())


def negative_energy(logits: Tensor, temperature: float = 1.0) -> Tensor:
    r"""Negative free energy :math:`T \log \sum_k e^{z_k / T}`, ``(N,)`` float64, from logits ``(N, C)``.

    Source: Liu et al. 2020, arXiv 2010.03759.

    Args:
        logits: ``(N, C)`` floating point.
        temperature: T > 0.

    Raises:
        ValueError: if the temperature is not positive.
    """
    if not temperature > 0:
        raise ValueError(f"temperature must be > 0, got {temperature}")
    return temperature * (logits.double() / temperature).logsumexp(1)


OOD_SCORES = {
    "msp": max_softmax,
    "max_logit": max_logit,
    "entropy": negative_entropy,
    "energy": negative_energy,
}
"""Every score by its short name in the field."""


def ood_metrics(score_in: Tensor, score_out: Tensor) -> dict[str, float]:
    r"""How well a score tells in-distribution samples, which should be larger, from others.

    A sample is taken for in-distribution if its score is at least a threshold; samples of equal score go together.

    * ``auroc``: :math:`P(s_{in} > s_{out}) + \frac12 P(s_{in} = s_{out})`, 1/2 by chance.
    * ``aupr_in``, ``aupr_out``: average precision :math:`\sum_t (R_t - R_{t-1}) P_t` over the distinct thresholds, as
      in scikit-learn, with in- or out-of-distribution as the positive class. By chance it is that class's share of
      all samples, so it compares only between pairs of sets of the same sizes.
    * ``fpr95``: share of out-of-distribution samples taken for in-distribution at the largest threshold that keeps at
      least 95 % of the in-distribution samples. No interpolation: with ties that share may be well above 95 %.

    Sorting dominates, O(n log n); counts are exact.

    Source: Hendrycks and Gimpel 2017, arXiv 1610.02136; fpr95 as in Liang et al. 2018, arXiv 1706.02690.

    Args:
        score_in: ``(N,)`` scores of in-distribution samples.
        score_out: ``(M,)`` scores of out-of-distribution samples.

    Returns:
        the four values, each in [0, 1].

    Raises:
        ValueError: if either is not one-dimensional, is empty, or holds NaN.

    Example:
        >>> ood_metrics(torch.tensor([3.0, 2.0, 1.0]), torch.tensor([1.0, 0.0]))
        {'auroc': 0.9166666666666666, 'aupr_in': 0.9166666666666666, 'aupr_out': 0.8333333333333333, 'fpr95': 0.5}
    """
    for name, score in (("in", score_in), ("out", score_out)):
        if score.ndim != 1 or len(score) == 0:
            raise ValueError(f"score_{name} must have shape (N,) with N >= 1, got {tuple(score.shape)}")
    scores = torch.cat([score_in.double(), score_out.double()])
    groups = group_ties(scores, torch.arange(len(scores), device=scores.device) < len(score_in))
    inside = groups.total.flip(0)  # from the largest score down, as a falling threshold takes them in
    outside = groups.size.flip(0) - inside
    kept, taken = inside.cumsum(0), outside.cumsum(0)
    above = (outside * (kept - inside / 2)).sum() / (len(score_in) * len(score_out))
    enough = kept / len(score_in) >= 0.95
    return {
        "auroc": above.item(),
        "aupr_in": _average_precision(inside, outside),
        "aupr_out": _average_precision(outside.flip(0), inside.flip(0)),
        "fpr95": (taken[enough][0] / len(score_out)).item(),
    }


def overconfident_share(logits: Tensor, threshold: float = 0.99) -> float:
    """Share of samples whose largest softmax probability, in float64, is at least ``threshold``.

    Meant for samples of no known class, where no confidence is right.

    Args:
        logits: ``(N, C)`` floating point.
        threshold: probability.

    Returns:
        share in [0, 1].

    Raises:
        ValueError: if there is no sample or a row of logits has no softmax.

    Example:
        >>> overconfident_share(torch.tensor([[9.0, 0.0], [1.0, 0.0]]))
        0.5
    """
    check_logits(logits)
    return (logits.double().softmax(1).amax(1) >= threshold).double().mean().item()


def _average_precision(positive: Tensor, negative: Tensor) -> float:
    """Average precision of groups of equal score, the first accepted first."""
    precision = positive.cumsum(0) / (positive + negative).cumsum(0)
    return ((positive * precision).sum() / positive.sum()).item()
