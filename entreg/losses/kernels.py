r"""The closed form of the losses as Triton code: a kernel that reads the logits once, and one for the gradient.

A program of the first owns a sample: it walks along the classes with the running maximum m of the logits and the sums
:math:`s = \sum e^{z - m}` and :math:`t = \sum e^{z - m} (z - m)` (online softmax, Milakov and Gimelshein 2018, arXiv
1805.02867), so that :math:`CE = \ln s - (z_y - m)` and :math:`H = \ln s - t / s`. A program of the second owns a block
of one sample's classes. The formula of the gradient stands in :mod:`entreg.losses.closed_form`, the sums over the
samples in :mod:`entreg.losses.kernels_of_sums`. How the kernels are launched is said in :mod:`entreg.losses.launch`.
"""

from __future__ import annotations

import triton
import triton.language as tl

from entreg.losses.kernel_layout import (
    AT_CE,
    AT_H,
    AT_LOGSUMEXP,
    AT_LOSS,
    AT_RCE,
    AT_SUM_V,
    AT_WEIGHT,
    AT_WEIGHTED_CE,
    AT_WEIGHTED_H,
    AT_WEIGHTED_RCE,
    COLUMN,
    SUMS,
)
from entreg.losses.plain import LOWEST

LOWEST_LOG = tl.constexpr(LOWEST)
NOWHERE = tl.constexpr(0)  # where a coefficient comes from: a term that does not count,
GIVEN = tl.constexpr(1)  # an argument of the kernel,
IN_MEMORY = tl.constexpr(2)  # a place in memory, as of one that is learnt,
BEHIND_SUMS = tl.constexpr(3)  # or where the sums are, because it was computed with them: afterwards


@triton.jit
def _number(value, FROM: tl.constexpr):
    """Return a coefficient."""
    if FROM == IN_MEMORY or FROM == BEHIND_SUMS:
        return tl.load(value).to(tl.float32)
    else:
        return value


@triton.jit
def _distribution(target, class_weight, row, column, inside, classes, target_stride, label, smoothing,
                  SOFT: tl.constexpr, WEIGHTED: tl.constexpr):  # fmt: skip
    """Target probabilities of a block of classes, and these times the class weights."""
    if SOFT:
        q = tl.load(target + row * target_stride + column, mask=inside, other=0.0).to(tl.float32)
    else:
        q = tl.where(column == label, 1.0, 0.0)
    q = tl.where(inside, q * (1 - smoothing) + smoothing / classes, 0.0)
    v = q
    if WEIGHTED:
        v = q * tl.load(class_weight + column, mask=inside, other=0.0).to(tl.float32)
    return q, v


@triton.jit(do_not_specialize=["c_ce", "c_entropy", "c_rce"])  # scalars: where they lie does not matter
def evaluate(
    per_sample,
    logits, target, class_weight, c_ce, c_entropy, c_rce,
    logits_stride, target_stride, samples, classes, eps, ignore_index, smoothing,
    CE_FROM: tl.constexpr, ENTROPY_FROM: tl.constexpr, RCE_FROM: tl.constexpr,
    SOFT: tl.constexpr, DENSE: tl.constexpr, ENTROPY: tl.constexpr, RCE: tl.constexpr,
    WEIGHTED: tl.constexpr, UNLABELLED: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """One sample: its column of numbers, as :mod:`entreg.losses.kernel_layout` names them."""
    row = tl.program_id(0).to(tl.int64)
    label = 0
    ignored = False
    if not SOFT:
        given = tl.load(target + row * target_stride)
        ignored = given == ignore_index
        label = tl.where(ignored | (given < 0) | (given >= classes), 0, given)
        wrong = (label != given) & (given != ignore_index)
    m = float("-inf")
    sum_v = 0.0  # sum of v
    s = tl.zeros([BLOCK], tl.float32)
    t = tl.zeros([BLOCK], tl.float32)
    others = tl.zeros([BLOCK], tl.float32)  # s without the target, or the sum of e^(z - m) ln q~
    products = 0.0  # sum of v (z - m)
    for start in range(0, classes, BLOCK):
        column = start + tl.arange(0, BLOCK)
        inside = column < classes
        z = tl.load(logits + row * logits_stride + column, mask=inside, other=float("-inf")).to(tl.float32)
        before = m
        m = tl.maximum(m, tl.max(z, 0))
        shift = tl.where(m == float("-inf"), 0.0, m)
        old = tl.where(before == float("-inf"), LOWEST_LOG, before - shift)
        rescale = tl.exp(old)
        distance = z - shift
        e = tl.exp(distance)
        if ENTROPY:
            t = (t + s * old) * rescale + e * tl.maximum(distance, LOWEST_LOG)
        s = s * rescale + e
        if DENSE:
            q, v = _distribution(target, class_weight, row, column, inside, classes, target_stride, label, smoothing,
                                 SOFT, WEIGHTED)  # fmt: skip
            products += sum_v * old + tl.sum(tl.where(v == 0, 0.0, v * distance), 0)
            sum_v += tl.sum(v, 0)
            if RCE:
                others = others * rescale + e * tl.log(tl.minimum(tl.maximum(q, eps), 1.0))
        elif RCE:
            others = others * rescale + tl.where(column == label, 0.0, e)
    total = tl.sum(s, 0)
    log_total = tl.log(total)
    if DENSE:
        ce = sum_v * log_total - products
    else:
        ce = log_total - (tl.load(logits + row * logits_stride + label).to(tl.float32) - m)
    ce = tl.where(ignored, 0.0, ce)
    if not SOFT:
        ce = tl.where(wrong, float("nan"), ce)  # no class: let it be seen
    h = 0.0
    if ENTROPY:
        h = log_total - tl.sum(t, 0) / total
    rce = 0.0
    if RCE:
        if DENSE:
            rce = -tl.sum(others, 0) / total
        else:
            rce = -tl.log(eps) * (tl.sum(others, 0) / total)
    sample_weight = 1.0  # what the sample counts
    if WEIGHTED:
        if SOFT:
            sample_weight = sum_v
        else:
            sample_weight = tl.load(class_weight + label).to(tl.float32)
    if UNLABELLED:
        rce = tl.where(ignored, h, rce)
        sample_weight = tl.where(ignored, 1.0, sample_weight)
    else:
        h = tl.where(ignored, 0.0, h)
        rce = tl.where(ignored, 0.0, rce)
        sample_weight = tl.where(ignored, 0.0, sample_weight)
    weighted_ce = ce
    if not DENSE and WEIGHTED:
        weighted_ce = ce * sample_weight
    weighted_h = h
    weighted_rce = rce
    if WEIGHTED:
        weighted_h = h * sample_weight
        weighted_rce = rce * sample_weight
    loss = 0.0
    if CE_FROM == GIVEN or CE_FROM == IN_MEMORY:
        loss += _number(c_ce, CE_FROM) * weighted_ce
    if ENTROPY_FROM == GIVEN or ENTROPY_FROM == IN_MEMORY:
        loss += _number(c_entropy, ENTROPY_FROM) * weighted_h
    if RCE_FROM == GIVEN or RCE_FROM == IN_MEMORY:
        loss += _number(c_rce, RCE_FROM) * weighted_rce
    tl.store(per_sample + AT_LOSS * samples + row, loss)
    tl.store(per_sample + AT_WEIGHT * samples + row, sample_weight)
    tl.store(per_sample + AT_WEIGHTED_CE * samples + row, weighted_ce)
    tl.store(per_sample + AT_WEIGHTED_H * samples + row, weighted_h)
    tl.store(per_sample + AT_WEIGHTED_RCE * samples + row, weighted_rce)
    tl.store(per_sample + AT_LOGSUMEXP * samples + row, m + log_total)
    tl.store(per_sample + AT_CE * samples + row, ce)
    tl.store(per_sample + AT_H * samples + row, h)
    tl.store(per_sample + AT_RCE * samples + row, rce)
    tl.store(per_sample + AT_SUM_V * samples + row, sum_v)


@triton.jit(do_not_specialize=["c_ce", "c_entropy", "c_rce"])
def gradient_of(
    grad_output, per_sample, grad_logits, grad_output_stride, grad_logits_stride, MEAN: tl.constexpr,
    logits, target, class_weight, c_ce, c_entropy, c_rce,
    logits_stride, target_stride, samples, classes, eps, ignore_index, smoothing,
    CE_FROM: tl.constexpr, ENTROPY_FROM: tl.constexpr, RCE_FROM: tl.constexpr,
    SOFT: tl.constexpr, DENSE: tl.constexpr, ENTROPY: tl.constexpr, RCE: tl.constexpr,
    WEIGHTED: tl.constexpr, UNLABELLED: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """A block of one sample's gradient, from what has been found of it."""
    row = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = column < classes
    sums = per_sample + COLUMN * samples
    grad = tl.load(grad_output + row * grad_output_stride).to(tl.float32)
    if MEAN:
        if SOFT:
            grad /= samples
        else:
            counted = tl.load(sums + AT_WEIGHT)
            grad = tl.where(counted == 0, 0.0, grad / counted)
    sample_weight = tl.load(per_sample + AT_WEIGHT * samples + row)
    label = 0
    ignored = False
    if not SOFT:
        given = tl.load(target + row * target_stride)
        ignored = given == ignore_index
        label = tl.where(ignored | (given < 0) | (given >= classes), 0, given)
    if CE_FROM == BEHIND_SUMS:
        c_ce = sums + SUMS
        c_entropy = sums + SUMS + 1
        c_rce = sums + SUMS + 2
    grad_ce = 0.0  # what arrives at each term of this sample
    grad_h = 0.0
    grad_rce = 0.0
    if CE_FROM != NOWHERE:
        grad_ce = grad * _number(c_ce, CE_FROM)
        if not DENSE:
            grad_ce *= sample_weight
    if ENTROPY_FROM != NOWHERE:
        grad_h = grad * sample_weight * _number(c_entropy, ENTROPY_FROM)
    if RCE_FROM != NOWHERE:
        grad_rce = grad * sample_weight * _number(c_rce, RCE_FROM)
        if UNLABELLED:  # without a label RCE is H
            grad_h += tl.where(ignored, grad_rce, 0.0)
            grad_rce = tl.where(ignored, 0.0, grad_rce)
        if not DENSE:  # RCE is (1 - p_y)(-ln eps), and p_y is exp(-CE)
            grad_ce -= grad_rce * tl.log(eps) * tl.exp(-tl.load(per_sample + AT_CE * samples + row))
    grad_ce = tl.where(ignored, 0.0, grad_ce)
    z = tl.load(logits + row * logits_stride + column, mask=inside, other=float("-inf")).to(tl.float32)
    log_p = z - tl.load(per_sample + AT_LOGSUMEXP * samples + row)
    if DENSE:
        q, v = _distribution(target, class_weight, row, column, inside, classes, target_stride, label, smoothing,
                             SOFT, WEIGHTED)  # fmt: skip
        v *= grad_ce
        factor = grad_ce * tl.load(per_sample + AT_SUM_V * samples + row) + tl.zeros([BLOCK], tl.float32)
        if RCE_FROM != NOWHERE:
            log_q = tl.log(tl.minimum(tl.maximum(q, eps), 1.0))
            factor -= grad_rce * (log_q + tl.load(per_sample + AT_RCE * samples + row))
    else:
        v = tl.where(column == label, grad_ce, 0.0)
        factor = grad_ce + tl.zeros([BLOCK], tl.float32)
    if ENTROPY:
        factor -= grad_h * (tl.maximum(log_p, LOWEST_LOG) + tl.load(per_sample + AT_H * samples + row))
    value = tl.exp(log_p) * factor - v
    tl.store(grad_logits + row * grad_logits_stride + column, value.to(grad_logits.dtype.element_ty), mask=inside)
