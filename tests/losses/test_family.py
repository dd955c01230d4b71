"""The loss modules: gradients, reductions, what they report, and their life as modules."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import Tensor, nn

from entreg.losses import EntropyRegularizedLoss, MixEntLoss
from tests.losses.oracle import family
from tests.losses.samples import FIXED, TERMS_OF, learnt_losses, losses, sample, targets


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
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
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
@pytest.mark.parametrize("weight", [None, [0.5, 1.0, 2.0, 3.0]])
def test_observed_coefficients_times_observed_terms_are_the_loss(
    cls: type[EntropyRegularizedLoss], weight: list[float] | None, target_kind: str
) -> None:
    logits, target = sample(target_kind)
    loss = cls(weight=weight)
    observed = loss.observed(logits.requires_grad_(), target)
    assert not any(value.requires_grad for value in observed.values())
    total = sum(
        observed[f"coefficient/{entry}"] * observed[term]
        for entry in loss.coefficients.terms
        for term in TERMS_OF[entry]
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
@pytest.mark.parametrize("ignore_index", [-100, 1])
@pytest.mark.parametrize("weight", [None, [0.5, 1.0, 2.0, 3.0]])
def test_mean_sum_and_none_are_reductions_of_the_same_values(
    cls: type[EntropyRegularizedLoss], weight: list[float] | None, ignore_index: int
) -> None:
    logits, target = sample()
    target[0] = ignore_index
    values, total, mean = (
        cls(weight=weight, ignore_index=ignore_index, reduction=reduction)(logits, target)
        for reduction in ("none", "sum", "mean")
    )
    assert values.shape == target.shape
    keep = target != ignore_index
    count = torch.ones(4) if weight is None else torch.tensor(weight)
    torch.testing.assert_close(values.sum(), total)
    torch.testing.assert_close(total / count[target[keep]].sum(), mean)


@learnt_losses
def test_a_deep_copy_is_equal_and_independent(cls: type[EntropyRegularizedLoss]) -> None:
    logits, target = sample()
    loss = cls(weight=[0.5, 1.0, 2.0, 3.0])
    before = loss(logits, target)
    twin = copy.deepcopy(loss)
    assert twin(logits, target) == before
    for parameter in twin.parameters():
        nn.init.constant_(parameter, 2.0)
    assert twin(logits, target) != before
    assert loss(logits, target) == before


@learnt_losses
@pytest.mark.parametrize("options", [{}, FIXED], ids=["learnt", "fixed"])
def test_state_dict_restores_the_loss(cls: type[EntropyRegularizedLoss], options: dict) -> None:
    logits, target = sample()
    saved, restored = cls(0.3, 2.0, 0.7, 3.0, **options), cls(**options)
    assert restored(logits, target) != saved(logits, target)
    restored.load_state_dict(saved.state_dict())
    assert restored(logits, target) == saved(logits, target)


@losses
def test_class_weights_move_with_the_module(cls: type[EntropyRegularizedLoss]) -> None:
    loss = cls(weight=[0.5, 1.0, 2.0, 3.0])
    assert loss.to(torch.float64).class_weight.dtype == torch.float64
    assert loss.to("meta").class_weight.is_meta


@pytest.mark.parametrize("eps", [0.0, 1.0, -1.0])
def test_eps_outside_0_and_1_is_refused(eps: float) -> None:
    with pytest.raises(ValueError, match=rf"^eps must lie strictly between 0 and 1, got {eps}$"):
        MixEntLoss(eps=eps)


@learnt_losses
def test_weights_bases_and_constraints_out_of_range_are_refused(cls: type[EntropyRegularizedLoss]) -> None:
    with pytest.raises(ValueError, match=r"^the weight of ce must be a finite number >= 0, got -1"):
        cls(ce_weight=-1.0)
    with pytest.raises(ValueError, match=r"^base must be a number > 1, got 1"):
        cls(ce_base=1.0)
    with pytest.raises(ValueError, match=r"^constraint must be one of .*, got 'cube'$"):
        cls(constraint="cube")


def test_an_unknown_term_is_refused() -> None:
    message = r"^unknown terms \['mae'\], expected some of \['ce', 'confidence', 'entropy', 'kl', 'rce'\]$"
    with pytest.raises(ValueError, match=message):
        EntropyRegularizedLoss({"ce": 1.0, "mae": 1.0}, {"ce": 2.0, "mae": 2.0})
