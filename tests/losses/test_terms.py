"""The terms per sample against the formulas in NumPy, and their sums against the reduced losses."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import Categorical

from entreg.losses.functional import entropy_regularized, terms
from tests.losses.oracle import Case, cases, family
from tests.losses.samples import sample, targets

OPTIONS = ("eps", "weight", "ignore_index", "label_smoothing", "unlabelled")
NAMES = ["ce", "entropy", "rce", "kl"]
any_case = given(case=cases(hard=False) | cases(hard=True))
examples = settings(max_examples=100, deadline=None)
close = partial(np.testing.assert_allclose, rtol=1e-10, atol=1e-10)


@examples
@any_case
def test_each_term_agrees_with_the_formula(case: Case) -> None:
    parts = terms(*case.tensors(), **case.torch_options(*OPTIONS))
    for name in NAMES:
        want = family(case.logits, case.target, **{name: 1.0}, **case.options(*OPTIONS), reduction="none")
        got = getattr(parts, name)
        assert got.shape == want.shape
        close(got.numpy(), want)


@examples
@any_case
def test_the_normalizer_makes_sums_means(case: Case) -> None:
    parts = terms(*case.tensors(), **case.torch_options(*OPTIONS))
    for name in NAMES:
        want = family(case.logits, case.target, **{name: 1.0}, **case.options(*OPTIONS))
        close((getattr(parts, name).sum() / parts.normalizer).item(), want)


@examples
@any_case
def test_coefficients_times_the_terms_are_the_loss(case: Case) -> None:
    options = case.torch_options(*OPTIONS)
    parts = terms(*case.tensors(), **options)
    coefficients = {"ce": 0.7, "entropy": -0.4, "rce": 0.6, "kl": 1.3}
    want = sum(c * getattr(parts, name) for name, c in coefficients.items())
    got = entropy_regularized(*case.tensors(), **coefficients, **options, reduction="none")
    torch.testing.assert_close(got, want, rtol=1e-10, atol=1e-10)


@examples
@any_case
def test_kl_is_rce_less_entropy(case: Case) -> None:
    parts = terms(*case.tensors(), **case.torch_options(*OPTIONS))
    torch.testing.assert_close(parts.kl, parts.rce - parts.entropy, rtol=0, atol=0)


@targets
def test_terms_are_those_of_pytorch(target_kind: str) -> None:
    logits, target = sample(target_kind)
    parts = terms(logits, target, eps=1e-3)
    p = Categorical(logits=logits)
    torch.testing.assert_close(parts.ce, F.cross_entropy(logits, target, reduction="none"))
    torch.testing.assert_close(parts.entropy, p.entropy())
    q = F.one_hot(target, 4).double() if target_kind == "hard" else target
    torch.testing.assert_close(parts.kl, F.kl_div(q.clamp(min=1e-3).log(), p.probs, reduction="none").sum(1))


@targets
def test_terms_are_differentiable(target_kind: str) -> None:
    logits, target = sample(target_kind)
    loss = partial(terms, target=target, label_smoothing=0.1)
    assert torch.autograd.gradcheck(lambda z: loss(z)[:3], logits.requires_grad_())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_is_computed_in_float32(dtype: torch.dtype) -> None:
    logits, target = sample()
    half = logits.to(dtype)
    got, want = terms(half, target), terms(half.float(), target)
    for ours, theirs in zip(got, want, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)
    assert got.kl.dtype == torch.float32


def test_an_unlabelled_sample_has_no_ce_and_no_kl() -> None:
    logits, target = sample()
    target[2] = -100
    for smoothing in (0.0, 0.1):
        parts = terms(logits, target, unlabelled=True, label_smoothing=smoothing)
        assert parts.ce[2] == parts.kl[2] == 0
        assert parts.rce[2] == parts.entropy[2]
        torch.testing.assert_close(parts.entropy[2], Categorical(logits=logits[2]).entropy())
        assert parts.normalizer == 6
        without = terms(logits, target, label_smoothing=smoothing)
        assert without.entropy[2] == without.rce[2] == without.ce[2] == 0
        assert without.normalizer == 5


@settings(max_examples=30, deadline=None)
@given(case=cases(hard=True), junk=st.sampled_from([-7, 99]))
def test_any_ignore_index_stands_for_the_same(case: Case, junk: int) -> None:
    logits, target = case.tensors()
    options = case.torch_options("eps", "weight", "label_smoothing", "unlabelled")
    renamed = torch.where(target == case.ignore_index, junk, target)
    got = terms(logits, renamed, ignore_index=junk, **options)
    want = terms(logits, target, ignore_index=case.ignore_index, **options)
    for ours, theirs in zip(got, want, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)
