"""The loss modules: gradients, reductions, what they report, and their life as modules."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from entreg.losses import EntropyRegularizedLoss, MinEntLoss, MixEntLoss, ReverseKLLoss, Term, functional
from tests.losses.oracle import family
from tests.losses.samples import PARTS_OF, learnt_losses, losses, sample, targets


@targets
@learnt_losses
def test_gradient_for_logits_and_coefficients_is_that_of_the_value(
    cls: type[EntropyRegularizedLoss], target_kind: str
) -> None:
    logits, target = sample(target_kind)
    loss = cls().double()
    parameters = {name: value.detach().requires_grad_() for name, value in loss.named_parameters()}
    assert len(parameters) == 2

    def value(z: Tensor, *values: Tensor) -> Tensor:
        return torch.func.functional_call(loss, dict(zip(parameters, values, strict=True)), (z, target))

    assert torch.autograd.gradcheck(value, (logits.requires_grad_(), *parameters.values()))


@losses
@pytest.mark.parametrize("dtype", [torch.float16], ids=str)
def test_half_precision_logits_give_a_float32_loss_and_finite_gradients(
    cls: type[EntropyRegularizedLoss], dtype: torch.dtype
) -> None:
    logits = torch.tensor([[1e4, -1e4, 0.0], [-1e4, 1e4, -math.inf]], dtype=dtype, requires_grad=True)
    loss = cls()
    value = loss(logits, torch.tensor([1, 0]))
    value.backward()
    assert value.dtype == torch.float32
    assert value.isfinite()
    assert all(leaf.grad.isfinite().all() for leaf in (logits, *loss.parameters()))


@targets
@losses
def test_observed_coefficients_times_observed_terms_are_the_loss(
    cls: type[EntropyRegularizedLoss], target_kind: str
) -> None:
    logits, target = sample(target_kind)
    loss = cls(weight=[0.5, 1.0, 2.0, 3.0])
    observed = loss.observed(logits.requires_grad_(), target)
    assert not any(value.requires_grad for value in observed.values())
    total = sum(
        observed[f"coefficient/{name}"] * observed[part] for name in loss.coefficients.terms for part in PARTS_OF[name]
    )
    torch.testing.assert_close(total, loss(logits, target).detach(), rtol=1e-6, atol=0)


@targets
def test_observed_terms_are_means_in_nats(target_kind: str) -> None:
    logits, target = sample(target_kind)
    observed = MixEntLoss(eps=1e-3).observed(logits, target)
    for term in ("ce", "entropy", "kl"):
        want = family(logits.numpy(), target.numpy(), **{term: 1.0}, eps=1e-3)
        assert observed[term].item() == pytest.approx(want, rel=1e-10)


@losses
def test_mean_sum_and_none_are_reductions_of_the_same_values(cls: type[EntropyRegularizedLoss]) -> None:
    weight, ignore_index = [0.5, 1.0, 2.0, 3.0], 1
    logits, target = sample()
    target[0] = ignore_index
    values, total, mean = (
        cls(weight=weight, ignore_index=ignore_index, reduction=reduction)(logits, target)
        for reduction in ("none", "sum", "mean")
    )
    assert values.shape == target.shape
    keep = target != ignore_index
    torch.testing.assert_close(values.sum(), total)
    torch.testing.assert_close(total / torch.tensor(weight)[target[keep]].sum(), mean)


def test_class_weights_move_with_the_module() -> None:
    loss = MixEntLoss(weight=[0.5, 1.0, 2.0, 3.0])
    assert loss.to(torch.float64).class_weight.dtype == torch.float64
    assert loss.to("meta").class_weight.is_meta


@learnt_losses
def test_weights_bases_and_constraints_out_of_range_are_refused(cls: type[EntropyRegularizedLoss]) -> None:
    with pytest.raises(ValueError, match=r"^the weight of ce must be a finite number >= 0, got -1"):
        cls(ce_weight=-1.0)
    with pytest.raises(ValueError, match=r"^the base of ce must be a number > 1, got 1"):
        cls(ce_base=1.0)
    with pytest.raises(ValueError, match=r"^constraint must be one of .*, got 'cube'$"):
        cls(constraint="cube")


def test_a_number_is_a_fixed_coefficient_and_0_switches_its_term_off() -> None:
    logits, target = sample()
    loss = EntropyRegularizedLoss(ce=0.5, entropy=0.25, kl=0.125, rce=0.0, confidence=0.0625)
    assert list(loss.parameters()) == []
    assert loss.coefficients.terms == ("ce", "entropy", "kl", "confidence")
    want = family(logits.numpy(), target.numpy(), ce=0.5, entropy=0.25 - 0.0625, kl=0.125)
    assert loss(logits, target).item() == pytest.approx(want, rel=1e-6)


def test_terms_are_learnt_and_scheduled_one_by_one() -> None:
    logits, target = sample()
    loss = EntropyRegularizedLoss(ce=0.5, entropy=Term(0.25, learn_base=False), rce=Term(0.1, schedule="decay"))
    assert {name: p.shape for name, p in loss.named_parameters()} == {
        "coefficients.weight.learnt": (2,),
        "coefficients.log_base.learnt": (1,),
    }
    start = family(logits.numpy(), target.numpy(), ce=0.5, entropy=0.25, rce=0.1)
    assert loss(logits, target).item() == pytest.approx(start, rel=1e-6)
    loss.coefficients.progress.fill_(1.0)
    end = family(logits.numpy(), target.numpy(), ce=0.5, entropy=0.25)
    assert loss(logits, target).item() == pytest.approx(end, rel=1e-6)


@targets
def test_a_base_for_each_class_divides_the_part_of_that_class(target_kind: str) -> None:
    logits, target = sample(target_kind)
    bases = [2.0, 3.0, 4.0, 5.0]
    loss = EntropyRegularizedLoss(ce=Term(0.5, bases), entropy=Term(0.25, bases), rce=Term(0.125, bases), eps=1e-3)
    log_p = logits.log_softmax(1)
    p = log_p.exp()
    q = nn.functional.one_hot(target, 4).double() if target_kind == "hard" else target
    ln_b = torch.tensor(bases).double().log()
    parts = 0.5 * -q * log_p + 0.25 * -p * log_p + 0.125 * -p * q.clamp(min=1e-3).log()
    torch.testing.assert_close(loss(logits, target).double(), (parts / ln_b).sum(1).mean(), rtol=1e-6, atol=0)
    loss.double()
    assert torch.autograd.gradcheck(
        lambda z, b: torch.func.functional_call(loss, {"coefficients.log_base.learnt": b}, (z, target)),
        (logits.requires_grad_(), loss.coefficients.log_base.learnt),
    )


@learnt_losses
def test_per_class_bases_start_as_the_shared_base_and_part(cls: type[EntropyRegularizedLoss]) -> None:
    logits, target = sample(dtype=torch.float32)
    shared, apart = cls(), cls(per_class_bases=4)
    torch.testing.assert_close(apart(logits, target), shared(logits, target))
    assert apart.coefficients.log_base.learnt.shape == (2, 4)
    apart(logits, target).backward()
    assert apart.coefficients.log_base.learnt.grad[0].unique().numel() == 4


def test_per_class_bases_of_another_number_of_classes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^a coefficient per class must have shape \(4,\), got \(5,\)$"):
        MixEntLoss(per_class_bases=5)(*sample())


def test_unlabelled_samples_keep_their_entropy() -> None:
    logits, target = sample()
    target[:4] = -100
    log_p = logits.log_softmax(1)
    h = -(log_p.exp() * log_p).sum(1)
    labelled = nn.functional.cross_entropy(logits[4:], target[4:], reduction="sum")
    loss = EntropyRegularizedLoss(ce=1.0, entropy=0.5, unlabelled=True)
    torch.testing.assert_close(loss(logits, target).double(), (labelled + 0.5 * h.sum()) / 6)
    without = EntropyRegularizedLoss(ce=1.0, entropy=0.5)
    torch.testing.assert_close(without(logits, target).double(), (labelled + 0.5 * h[4:].sum()) / 2)


@pytest.mark.parametrize("constraint", ["softmax", "uncertainty"])
def test_the_penalty_of_uncertainty_belongs_to_every_sample(constraint: str) -> None:
    logits, target = sample()
    target[0] = -100
    terms = {"ce": Term(1.0, learn_base=False), "entropy": Term(0.2, learn_base=False)}
    values, total, mean = (
        EntropyRegularizedLoss(**terms, constraint=constraint, reduction=reduction)(logits, target)
        for reduction in ("none", "sum", "mean")
    )
    want = family(logits.numpy(), target.numpy(), ce=1.0, entropy=0.2)
    penalty = math.log1p(1 / 2) + math.log1p(1 / 0.4) if constraint == "uncertainty" else 0.0
    assert mean.item() == pytest.approx(want + penalty, rel=1e-6)
    assert values[0] == 0
    torch.testing.assert_close(values.sum(), total)
    torch.testing.assert_close(total / 5, mean)


@targets
def test_gradient_shares_are_those_of_the_norms_of_the_terms_gradients(target_kind: str) -> None:
    logits, target = sample(target_kind)
    loss = MinEntLoss(entropy_weight=2.0)
    observed = loss.observed(logits, target)
    c = {name: value.item() for name, value in loss.coefficients()[0].items()}
    norms = {}
    for name in c:
        z = logits.clone().requires_grad_()
        functional.entropy_regularized(z, target, **{"ce": 0.0, name: c[name]}).backward()
        norms[name] = z.grad.norm().item()
    shares = {name: observed[f"gradient_share/{name}"].item() for name in c}
    assert shares == pytest.approx({name: norm / sum(norms.values()) for name, norm in norms.items()}, rel=1e-6)
    assert min(shares.values()) > 0.1


def test_nothing_and_a_sign_are_no_terms() -> None:
    with pytest.raises(
        ValueError, match=r"^a loss needs a term: give ce, entropy, kl, rce or confidence a weight > 0$"
    ):
        EntropyRegularizedLoss(ce=0.0)
    with pytest.raises(ValueError, match=r"^the weight of entropy must be a finite number >= 0, got -0.1$"):
        EntropyRegularizedLoss(entropy=-0.1)


def test_bases_of_each_class_are_refused_on_the_divergence_alone() -> None:
    with pytest.raises(
        ValueError, match=r"^per-class bases apply to ce and to entropy or rce, not to kl alone: use rce$"
    ):
        ReverseKLLoss(per_class_bases=4)


@pytest.mark.parametrize("classes", [0, -3, 26.0])
def test_per_class_bases_is_a_number_of_classes(classes: float) -> None:
    with pytest.raises(ValueError, match=rf"^per_class_bases must be the number of classes, got {classes}$"):
        MixEntLoss(per_class_bases=classes)


@pytest.mark.parametrize("weight", [[-1.0, 1.0], [math.nan, 1.0], [[1.0, 2.0]]])
def test_class_weights_are_finite_numbers_not_below_0(weight: list) -> None:
    with pytest.raises(ValueError, match=r"^class weights must be finite numbers >= 0, one for each class, got"):
        MixEntLoss(weight=weight)


def test_class_weights_in_the_place_of_pytorchs_are_sent_to_their_keyword() -> None:
    with pytest.raises(ValueError, match=r"class weights go by keyword: weight=\.\.\.$"):
        MixEntLoss(torch.ones(5))


@pytest.mark.parametrize("eps", [1.2e-38, 0.5])
def test_indices_and_one_hot_agree_at_the_limits_of_eps(eps: float) -> None:
    logits, target = sample(dtype=torch.float32)
    one_hot = nn.functional.one_hot(target, 4).float()
    loss = MixEntLoss(eps=eps)
    torch.testing.assert_close(loss(logits, one_hot), loss(logits, target))


def test_an_eps_that_float32_cannot_hold_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"^eps must be at least 1.2e-38, the smallest normal number of float32, got 1e-50$"
    ):
        MixEntLoss(eps=1e-50)
