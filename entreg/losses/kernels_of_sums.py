r"""What is left when the samples are done, as Triton code: their sums, the loss, and the gradient of its parameters.

Each kernel is one program. ``rows`` is what :func:`entreg.losses.kernels.evaluate` wrote, ``(10, N)``; behind it in
memory follow the five sums (loss, weight, CE, H, RCE) and three coefficients (of CE, H, RCE).

A loss of fixed or learnt weights and log bases has :math:`c = w / \ln b` for each term. They come as
:class:`entreg.losses.maps.PartlyLearnt` holds them, and are mapped as in :mod:`entreg.losses.maps`.
"""

from __future__ import annotations

import triton
import triton.language as tl

from entreg.losses.checks import SMALLEST_EXCESS

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
    rows, loss, samples,
    weight_learnt, weight_fixed, weight_order, base_learnt, base_fixed, base_order,
    TERMS: tl.constexpr, WEIGHTS: tl.constexpr, WEIGHT_MAP: tl.constexpr, BASES: tl.constexpr, ENTROPY: tl.constexpr,
    MEAN: tl.constexpr, SOFT: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """The sums and the loss; with parameters (``TERMS`` > 0) the coefficients too, of which the loss is made then."""
    value = tl.zeros([BLOCK], tl.float32)
    share = tl.zeros([BLOCK], tl.float32)
    ce = tl.zeros([BLOCK], tl.float32)
    h = tl.zeros([BLOCK], tl.float32)
    rce = tl.zeros([BLOCK], tl.float32)
    for start in range(0, samples, BLOCK):
        sample = start + tl.arange(0, BLOCK)
        inside = sample < samples
        value += tl.load(rows + sample, mask=inside, other=0.0)
        share += tl.load(rows + samples + sample, mask=inside, other=0.0)
        ce += tl.load(rows + 2 * samples + sample, mask=inside, other=0.0)
        h += tl.load(rows + 3 * samples + sample, mask=inside, other=0.0)
        rce += tl.load(rows + 4 * samples + sample, mask=inside, other=0.0)
    of_loss = tl.sum(value, 0)
    of_shares = tl.sum(share, 0)
    of_ce = tl.sum(ce, 0)
    of_h = tl.sum(h, 0)
    of_rce = tl.sum(rce, 0)
    sums = rows + 10 * samples
    if TERMS > 0:
        weight, _, _ = _numbers(weight_learnt, weight_fixed, weight_order, TERMS, WEIGHTS, WEIGHT_MAP)
        log_base, _, _ = _numbers(base_learnt, base_fixed, base_order, TERMS, BASES, LOG_BASE)
        c = weight / log_base
        term = tl.arange(0, 4)
        index = _index(ENTROPY)
        of_term = tl.where(index == 0, of_ce, tl.where(index == 1, of_h, of_rce))
        of_loss = tl.sum(tl.where(term < TERMS, c * of_term, 0.0), 0)
        tl.store(sums + 5 + index, c, mask=term < TERMS)
    tl.store(sums, of_loss)
    tl.store(sums + 1, of_shares)
    tl.store(sums + 2, of_ce)
    tl.store(sums + 3, of_h)
    tl.store(sums + 4, of_rce)
    if MEAN:
        if SOFT:
            of_loss /= samples
        else:
            of_loss /= of_shares
    tl.store(loss, of_loss)


@triton.jit
def _index(ENTROPY: tl.constexpr):
    """Place of each term of the loss among CE, H and RCE."""
    term = tl.arange(0, 4)
    if ENTROPY:
        return term
    else:
        return term * 2


@triton.jit(do_not_specialize=["arriving_at_loss", *_SCALARS])
def gradient_of_parameters(
    arriving_at_loss, rows, samples, of_weights, of_bases,
    weight_learnt, weight_fixed, weight_order, base_learnt, base_fixed, base_order,
    TERMS: tl.constexpr, WEIGHTS: tl.constexpr, WEIGHT_MAP: tl.constexpr, BASES: tl.constexpr, ENTROPY: tl.constexpr,
    MEAN: tl.constexpr, SOFT: tl.constexpr,
):  # fmt: skip
    """The gradients for learnt weights and bases; without parameters for the coefficients, into ``of_weights``."""
    term = tl.arange(0, 4)
    sums = rows + 10 * samples
    arriving = tl.load(arriving_at_loss).to(tl.float32)
    if MEAN:
        if SOFT:
            arriving /= samples
        else:
            arriving /= tl.load(sums + 1)
    if TERMS > 0:
        inside = term < TERMS
        of_term = arriving * tl.load(sums + 2 + _index(ENTROPY), mask=inside, other=0.0)
        weight, weight_slope, weight_at = _numbers(
            weight_learnt, weight_fixed, weight_order, TERMS, WEIGHTS, WEIGHT_MAP
        )
        log_base, base_slope, base_at = _numbers(base_learnt, base_fixed, base_order, TERMS, BASES, LOG_BASE)
        of_base = -of_term * weight / (log_base * log_base) * base_slope
        tl.store(of_weights + weight_at, of_term / log_base * weight_slope, mask=inside & (weight_at < WEIGHTS))
        tl.store(of_bases + base_at, of_base, mask=inside & (base_at < BASES))
    else:
        tl.store(of_weights + term, arriving * tl.load(sums + 2 + term, mask=term < 3, other=0.0), mask=term < 3)
