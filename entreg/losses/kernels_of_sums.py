r"""What is left when the samples are done, as Triton code: their sums, the loss, and the gradient of its parameters.

Each kernel is one program. ``per_sample`` is what :func:`entreg.losses.kernels.evaluate` wrote; what follows behind it
in memory is said in :mod:`entreg.losses.kernel_layout`.

A loss of fixed or learnt weights and log bases has :math:`c = w / \ln b` for each term. They come as
:class:`entreg.losses.maps.PartlyLearnt` holds them, and are mapped as in :mod:`entreg.losses.maps`.
"""

from __future__ import annotations

import triton
import triton.language as tl

from entreg.losses.checks import SMALLEST_EXCESS
from entreg.losses.kernel_layout import (
    AT_LOSS,
    AT_WEIGHT,
    AT_WEIGHTED_CE,
    AT_WEIGHTED_H,
    AT_WEIGHTED_RCE,
    COLUMN,
    MOST_TERMS,
    SUMS,
)

_SCALARS = ["weight_learnt", "weight_fixed", "weight_order", "base_learnt", "base_fixed", "base_order"]

SMALLEST = tl.constexpr(SMALLEST_EXCESS)
IDENTITY = tl.constexpr(0)
SQUARE = tl.constexpr(1)
EXP = tl.constexpr(2)
SOFTPLUS = tl.constexpr(3)
LOG_BASE = tl.constexpr(4)
MAPS = {
    "fixed": IDENTITY.value,
    "free": IDENTITY.value,
    "square": SQUARE.value,
    "exp": EXP.value,
    "softplus": SOFTPLUS.value,
}
"""Maps from parameters to weights, by constraint."""


@triton.jit
def _log1p(x):
    """Natural logarithm of 1 + x for x >= 0, exact where x is small."""
    y = 1 + x
    return tl.where(y == 1, x, tl.log(y) * (x / tl.where(y == 1, 1.0, y - 1)))


@triton.jit
def _mapped(raw, MAP: tl.constexpr):
    """Return numbers and their slopes by the parameters that they follow from."""
    value = raw
    slope = tl.full(raw.shape, 1.0, tl.float32)
    if MAP == SQUARE:
        value = raw * raw
        slope = 2 * raw
    elif MAP == EXP:
        value = tl.exp(raw)
        slope = value
    elif MAP == SOFTPLUS or MAP == LOG_BASE:
        value = tl.maximum(raw, 0.0) + _log1p(tl.exp(-tl.abs(raw)))
        slope = 1 / (1 + tl.exp(-raw))
        if MAP == LOG_BASE:
            slope = tl.where(value < SMALLEST, 0.0, slope / (1 + value))
            value = _log1p(tl.maximum(value, SMALLEST))
    return value, slope


@triton.jit
def _numbers(learnt, fixed, order, TERMS: tl.constexpr, LEARNT: tl.constexpr, MAP: tl.constexpr):
    """Return the number of each term, its slope, and its place among the parameters (from LEARNT on: it has none)."""
    term = tl.arange(0, 4)
    inside = term < TERMS
    place = tl.load(order + term, mask=inside, other=0)
    raw = tl.load(learnt + place, mask=inside & (place < LEARNT), other=1.0).to(tl.float32)
    given = tl.load(fixed + (place - LEARNT), mask=inside & (place >= LEARNT), other=1.0).to(tl.float32)
    value, slope = _mapped(raw, MAP)
    return tl.where(place < LEARNT, value, given), slope, place


@triton.jit(do_not_specialize=_SCALARS)  # where so few numbers lie does not matter
def add_up(
    per_sample, loss, samples,
    weight_learnt, weight_fixed, weight_order, base_learnt, base_fixed, base_order,
    TERMS: tl.constexpr, WEIGHTS: tl.constexpr, WEIGHT_MAP: tl.constexpr, BASES: tl.constexpr, ENTROPY: tl.constexpr,
    MEAN: tl.constexpr, SOFT: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """The sums and the loss; with parameters (``TERMS`` > 0) the coefficients too, of which the loss is made then."""
    value = tl.zeros([BLOCK], tl.float32)
    sample_weight = tl.zeros([BLOCK], tl.float32)
    ce = tl.zeros([BLOCK], tl.float32)
    h = tl.zeros([BLOCK], tl.float32)
    rce = tl.zeros([BLOCK], tl.float32)
    for start in range(0, samples, BLOCK):
        sample = start + tl.arange(0, BLOCK)
        inside = sample < samples
        value += tl.load(per_sample + AT_LOSS * samples + sample, mask=inside, other=0.0)
        sample_weight += tl.load(per_sample + AT_WEIGHT * samples + sample, mask=inside, other=0.0)
        ce += tl.load(per_sample + AT_WEIGHTED_CE * samples + sample, mask=inside, other=0.0)
        h += tl.load(per_sample + AT_WEIGHTED_H * samples + sample, mask=inside, other=0.0)
        rce += tl.load(per_sample + AT_WEIGHTED_RCE * samples + sample, mask=inside, other=0.0)
    sum_loss = tl.sum(value, 0)
    sum_weight = tl.sum(sample_weight, 0)
    sum_ce = tl.sum(ce, 0)
    sum_h = tl.sum(h, 0)
    sum_rce = tl.sum(rce, 0)
    sums = per_sample + COLUMN * samples
    if TERMS > 0:
        weight, _, _ = _numbers(weight_learnt, weight_fixed, weight_order, TERMS, WEIGHTS, WEIGHT_MAP)
        log_base, _, _ = _numbers(base_learnt, base_fixed, base_order, TERMS, BASES, LOG_BASE)
        c = weight / log_base
        term = tl.arange(0, 4)
        index = _index(ENTROPY)
        of_term = tl.where(index == 0, sum_ce, tl.where(index == 1, sum_h, sum_rce))
        sum_loss = tl.sum(tl.where(term < TERMS, c * of_term, 0.0), 0)
        tl.store(sums + SUMS + index, c, mask=term < TERMS)
    tl.store(sums + AT_LOSS, sum_loss)
    tl.store(sums + AT_WEIGHT, sum_weight)
    tl.store(sums + AT_WEIGHTED_CE, sum_ce)
    tl.store(sums + AT_WEIGHTED_H, sum_h)
    tl.store(sums + AT_WEIGHTED_RCE, sum_rce)
    if MEAN:
        if SOFT:
            sum_loss /= samples
        else:
            sum_loss /= sum_weight
    tl.store(loss, sum_loss)


@triton.jit
def _index(ENTROPY: tl.constexpr):
    """Place of each term of the loss among CE, H and RCE."""
    term = tl.arange(0, 4)
    if ENTROPY:
        return term
    else:
        return term * 2


@triton.jit(do_not_specialize=["grad_output", *_SCALARS])
def gradient_of_parameters(
    grad_output, per_sample, samples, grad_weights, grad_bases,
    weight_learnt, weight_fixed, weight_order, base_learnt, base_fixed, base_order,
    TERMS: tl.constexpr, WEIGHTS: tl.constexpr, WEIGHT_MAP: tl.constexpr, BASES: tl.constexpr, ENTROPY: tl.constexpr,
    MEAN: tl.constexpr, SOFT: tl.constexpr,
):  # fmt: skip
    """The gradients for learnt weights and bases; without parameters for the coefficients, into ``grad_weights``."""
    term = tl.arange(0, 4)
    sums = per_sample + COLUMN * samples
    grad = tl.load(grad_output).to(tl.float32)
    if MEAN:
        if SOFT:
            grad /= samples
        else:
            counted = tl.load(sums + AT_WEIGHT)
            grad = tl.where(counted == 0, 0.0, grad / counted)
    if TERMS > 0:
        inside = term < TERMS
        grad_term = grad * tl.load(sums + AT_WEIGHTED_CE + _index(ENTROPY), mask=inside, other=0.0)
        weight, weight_slope, weight_at = _numbers(
            weight_learnt, weight_fixed, weight_order, TERMS, WEIGHTS, WEIGHT_MAP
        )
        log_base, base_slope, base_at = _numbers(base_learnt, base_fixed, base_order, TERMS, BASES, LOG_BASE)
        grad_base = -grad_term * weight / (log_base * log_base) * base_slope
        tl.store(grad_weights + weight_at, grad_term / log_base * weight_slope, mask=inside & (weight_at < WEIGHTS))
        tl.store(grad_bases + base_at, grad_base, mask=inside & (base_at < BASES))
    else:
        inside = term < MOST_TERMS
        grad_terms = grad * tl.load(sums + AT_WEIGHTED_CE + term, mask=inside, other=0.0)
        tl.store(grad_weights + term, grad_terms, mask=inside)
