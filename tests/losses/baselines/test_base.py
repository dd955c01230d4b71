"""What the baselines share, asked of each of them, and the ends of their ranges, where they are cross-entropy."""

from __future__ import annotations

import copy
import math
import pickle
import re
from functools import partial
from itertools import product

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from entreg.losses import (
    BrierLoss,
    BSCEGRALoss,
    DualFocalLoss,
    EpsSoftmaxLoss,
    FocalLoss,
    GeneralizedCrossEntropyLoss,
    LabelSmoothingLoss,
    LogitNormLoss,
    MarginLabelSmoothingLoss,
    MDCALoss,
    MeanAbsoluteErrorLoss,
    MMCELoss,
    NegativeLabelSmoothingLoss,
    Poly1Loss,
    SymmetricCrossEntropyLoss,
)
from entreg.losses.baselines import ClassificationLoss, TargetLoss
from entreg.testing import check_loss
from tests.losses.baselines import with_gradient
from tests.losses.samples import sample

PER_SAMPLE = {
    "brier": BrierLoss,
    "bsce_gra": BSCEGRALoss,
    "dual_focal": DualFocalLoss,
    "eps_softmax": EpsSoftmaxLoss,
    "focal": FocalLoss,
    "generalized": GeneralizedCrossEntropyLoss,
    "logit_norm": partial(LogitNormLoss, temperature=0.5),
    "margin": partial(MarginLabelSmoothingLoss, margin=1.0),
    "mae": MeanAbsoluteErrorLoss,
    "negative_label_smoothing": NegativeLabelSmoothingLoss,
    "poly1": Poly1Loss,
}
ALL = {
    **PER_SAMPLE,
    "label_smoothing": LabelSmoothingLoss,
    "mdca": MDCALoss,
    "mmce": MMCELoss,
    "symmetric": SymmetricCrossEntropyLoss,
}
CROSS_ENTROPY = {
    "bsce_gra": partial(BSCEGRALoss, gamma=0.0),
    "dual_focal": partial(DualFocalLoss, gamma=0.0),
    "eps_softmax": partial(EpsSoftmaxLoss, m=0.0, alpha=1.0, beta=0.0),
    "focal": partial(FocalLoss, gamma=0.0),
    "generalized": partial(GeneralizedCrossEntropyLoss, q=0.0),
    "label_smoothing": partial(LabelSmoothingLoss, smoothing=0.0),
    "margin of no strength": partial(MarginLabelSmoothingLoss, margin=0.0, alpha=0.0),
    "margin beyond all logits": partial(MarginLabelSmoothingLoss, margin=1e6),
    "mdca": partial(MDCALoss, strength=0.0),
    "mmce": partial(MMCELoss, strength=0.0),
    "negative_label_smoothing": partial(NegativeLabelSmoothingLoss, rate=0.0),
    "poly1": partial(Poly1Loss, epsilon=0.0),
    "symmetric": partial(SymmetricCrossEntropyLoss, alpha=1.0, beta=0.0),
}
OF_ALL_CLASSES = ("label_smoothing", "negative_label_smoothing")  # a class switched off makes them infinite
WEIGHT = [0.5, 1.0, 2.0, 3.0]
REDUCTIONS = ["none", "mean", "sum"]
KINDS = ["hard", "soft"]


def kinds_of_target(name: str) -> list[str]:
    """Class indices, and probabilities where a loss takes them."""
    return ["hard"] if name == "mmce" else KINDS


per_sample_losses = pytest.mark.parametrize("name", PER_SAMPLE)
masking_losses = pytest.mark.parametrize("name", [name for name in PER_SAMPLE if name not in OF_ALL_CLASSES])
all_losses = pytest.mark.parametrize("name", ALL)


class Miss(ClassificationLoss):
    """A loss of a user, one method long."""

    def per_sample(self, logits: Tensor, target: Tensor) -> Tensor:
        p = torch.softmax(logits, 1)
        if target.is_floating_point():
            return 1 - (p * target).sum(1)
        return 1 - p.gather(1, target.unsqueeze(1)).squeeze(1)


def positions(target_kind: str) -> tuple[Tensor, Tensor]:
    """Logits and target of 2 x 3 x 2 positions."""
    generator = torch.Generator().manual_seed(6)
    logits = 2 * torch.randn(2, 4, 3, 2, generator=generator, dtype=torch.float64)
    if target_kind == "hard":
        return logits, torch.randint(4, (2, 3, 2), generator=generator)
    return logits, torch.randn(2, 4, 3, 2, generator=generator, dtype=torch.float64).softmax(1)


@pytest.mark.parametrize("name", CROSS_ENTROPY)
def test_at_the_end_of_its_range_a_loss_is_cross_entropy(name: str) -> None:
    weight = torch.tensor(WEIGHT, dtype=torch.float64)
    for batch in (sample(), positions("hard")):
        for reduction in ("mean", "sum"):
            loss = CROSS_ENTROPY[name](weight=WEIGHT, ignore_index=2, reduction=reduction)
            want = partial(F.cross_entropy, weight=weight, ignore_index=2, reduction=reduction)
            torch.testing.assert_close(with_gradient(loss, *batch), with_gradient(want, *batch))
    for kind in kinds_of_target(name):
        for batch in (sample(kind), positions(kind)):
            got = with_gradient(CROSS_ENTROPY[name](), *batch)
            torch.testing.assert_close(got, with_gradient(F.cross_entropy, *batch))


@pytest.mark.parametrize("target_kind", KINDS)
@per_sample_losses
def test_class_weights_weigh_the_value_of_a_sample(name: str, target_kind: str) -> None:
    logits, target = sample(target_kind)
    values = PER_SAMPLE[name](reduction="none")(logits, target)
    if target_kind == "hard":
        weights = [WEIGHT[y] for y in target.tolist()]
        count = sum(weights)
    else:
        weights = [sum(w * q for w, q in zip(WEIGHT, row, strict=True)) for row in target.tolist()]
        count = len(target)
    weighted = [w * value for w, value in zip(weights, values.tolist(), strict=True)]
    for reduction, want in (("none", weighted), ("sum", sum(weighted)), ("mean", sum(weighted) / count)):
        got = PER_SAMPLE[name](weight=WEIGHT, reduction=reduction)(logits, target)
        torch.testing.assert_close(got, torch.tensor(want, dtype=torch.float64))


@per_sample_losses
def test_ignored_samples_might_as_well_not_be_there(name: str) -> None:
    for ignore_index, reduction in product((-100, 2), REDUCTIONS):
        logits, target = sample()
        target[1::2] = ignore_index
        kept = target != ignore_index
        loss = PER_SAMPLE[name](weight=WEIGHT, reduction=reduction, ignore_index=ignore_index)
        value, gradient = with_gradient(loss, logits, target)
        want = with_gradient(loss, logits[kept], target[kept])
        torch.testing.assert_close((value[kept] if reduction == "none" else value, gradient[kept]), want)
        assert (gradient[~kept] == 0).all()
        if reduction == "none":
            assert (value[~kept] == 0).all()


@per_sample_losses
def test_a_batch_of_which_nothing_counts_sums_to_0_and_has_no_mean(name: str) -> None:
    logits, target = sample()[0], torch.full((6,), -100)
    value, gradient = with_gradient(PER_SAMPLE[name](reduction="sum"), logits, target)
    assert value == 0
    assert (gradient == 0).all()
    assert PER_SAMPLE[name]()(logits, target).isnan()


@per_sample_losses
def test_an_empty_batch_sums_to_0(name: str) -> None:
    for target in (torch.zeros(0, dtype=torch.long), torch.zeros(0, 4)):
        assert PER_SAMPLE[name](reduction="sum")(torch.zeros(0, 4), target) == 0


@per_sample_losses
def test_one_hot_probabilities_give_what_their_indices_do(name: str) -> None:
    logits, target = sample()
    loss = PER_SAMPLE[name](reduction="none")
    one_hot = F.one_hot(target, 4).double()
    torch.testing.assert_close(with_gradient(loss, logits, one_hot), with_gradient(loss, logits, target))


@per_sample_losses
def test_positions_are_samples(name: str) -> None:
    for target_kind, reduction in product(KINDS, REDUCTIONS):
        logits, target = positions(target_kind)
        loss = PER_SAMPLE[name](reduction=reduction)
        value = loss(logits, target)
        assert value.shape == ((2, 3, 2) if reduction == "none" else ())
        flat_target = target.flatten() if target_kind == "hard" else target.movedim(1, -1).reshape(-1, 4)
        flat = loss(logits.movedim(1, -1).reshape(-1, 4), flat_target)
        torch.testing.assert_close(value.flatten(), flat.flatten())


@per_sample_losses
def test_one_sample_needs_no_batch(name: str) -> None:
    for target_kind, reduction in product(KINDS, REDUCTIONS):
        logits, target = sample(target_kind)
        loss = PER_SAMPLE[name](reduction=reduction, weight=WEIGHT)
        got = loss(logits[0], target[0])
        assert got.shape == ()
        torch.testing.assert_close(got, loss(logits[:1], target[:1]).squeeze())


@per_sample_losses
def test_half_precision_is_computed_and_returned_in_single(name: str) -> None:
    loss = PER_SAMPLE[name](weight=WEIGHT)
    for target_kind, dtype in product(KINDS, (torch.float16, torch.bfloat16)):
        logits, target = sample(target_kind, torch.float32)
        half = logits.to(dtype)
        value, gradient = with_gradient(loss, half, target)
        want, wanted_gradient = with_gradient(loss, half.float(), target)
        assert (value.dtype, gradient.dtype) == (torch.float32, dtype)
        torch.testing.assert_close(value, want, rtol=0, atol=0)
        torch.testing.assert_close(gradient, wanted_gradient.to(dtype))


@per_sample_losses
def test_the_format_of_probabilities_does_not_decide_that_of_the_loss(name: str) -> None:
    logits, target = sample("soft", torch.float32)
    loss = PER_SAMPLE[name](validate_args=False)
    for dtype in (torch.float16, torch.bfloat16, torch.float64):
        value = loss(logits, target.to(dtype))
        assert value.dtype == torch.float32
        torch.testing.assert_close(value, loss(logits, target.to(dtype).float()))


@masking_losses
def test_a_class_that_is_switched_off_has_neither_loss_nor_gradient(name: str) -> None:
    options = {"alpha": 0.1 * 5 / 4} if name == "margin" else {}  # its mean is over all classes, those off included
    for target_kind in ("hard", "one_hot", "soft"):
        rest, target = sample("soft" if target_kind == "soft" else "hard")
        if target_kind == "one_hot":
            target = F.one_hot(target, 4).double()
        logits = F.pad(rest, (0, 1), value=-math.inf)
        padded = target if target_kind == "hard" else F.pad(target, (0, 1))
        value, gradient = with_gradient(PER_SAMPLE[name](**options), logits, padded)
        want, wanted_gradient = with_gradient(PER_SAMPLE[name](), rest, target)
        torch.testing.assert_close(value, want)
        torch.testing.assert_close(gradient, F.pad(wanted_gradient, (0, 1)))


@all_losses
def test_what_an_ignored_sample_holds_does_not_matter(name: str) -> None:
    logits, target = sample()
    target[2] = -100
    kept = target != -100
    want = with_gradient(ALL[name](), logits, target)
    if name != "label_smoothing":
        logits[2, [0, 3]] = -math.inf
        torch.testing.assert_close(with_gradient(ALL[name](), logits, target), want)
    logits[2] = math.nan
    value, gradient = with_gradient(ALL[name](), logits, target)
    torch.testing.assert_close((value, gradient[kept]), (want[0], want[1][kept]))


@per_sample_losses
def test_logits_of_any_size_give_finite_values_and_gradients(name: str) -> None:
    for scale, target_kind in product((1e-30, 1e3, 1e30), KINDS):
        logits, target = sample(target_kind, torch.float32)
        value, gradient = with_gradient(PER_SAMPLE[name](), scale * logits, target)
        assert value.isfinite()
        assert gradient.isfinite().all()


@pytest.mark.parametrize(
    ("name", "target_kind"),
    [*((name, "hard") for name in ALL), ("brier", "soft"), ("focal", "soft"), ("dual_focal", "soft"), ("mdca", "soft")],
)
def test_a_loss_compiles_as_one_graph(name: str, target_kind: str) -> None:
    torch.compiler.reset()
    loss = ALL[name](weight=WEIGHT)
    compiled = torch.compile(loss, fullgraph=True, backend="eager")
    logits, target = sample(target_kind)
    torch.testing.assert_close(with_gradient(compiled, logits, target), with_gradient(loss, logits, target))


@all_losses
def test_gradients_of_each_sample_by_torch_func_are_those_of_autograd(name: str) -> None:
    loss = ALL[name]()
    for target_kind in kinds_of_target(name):
        logits, target = sample(target_kind)
        got = torch.func.vmap(torch.func.grad(loss))(logits, target)
        want = torch.cat([with_gradient(loss, z[None], y[None])[1] for z, y in zip(logits, target, strict=True)])
        torch.testing.assert_close(got, want)


@pytest.mark.parametrize("name", [name for name in ALL if name != "bsce_gra"])  # whose weight has no gradient
def test_first_and_second_derivatives_agree_with_finite_differences(name: str) -> None:
    for target_kind in kinds_of_target(name):
        logits, target = sample(target_kind)
        loss = partial(ALL[name](), target=target[:3])
        z = logits[:3].requires_grad_()
        assert torch.autograd.gradcheck(loss, z)
        assert torch.autograd.gradgradcheck(loss, z)


def test_copies_and_pickles_are_the_same_loss() -> None:
    logits, target = sample()
    for make in ALL.values():
        loss = make(weight=WEIGHT, ignore_index=1)
        for other in (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
            assert other is not loss
            torch.testing.assert_close(other(logits, target), loss(logits, target), rtol=0, atol=0)


def test_there_is_nothing_to_learn_or_to_save() -> None:
    for make in (*PER_SAMPLE.values(), MMCELoss):
        loss = make(weight=WEIGHT)
        assert list(loss.parameters()) == []
        assert loss.state_dict() == {}
        assert loss.double().class_weight.dtype == torch.float64


def test_what_it_prints_shows_the_numbers_it_was_made_with() -> None:
    common = "ignore_index=-100, reduction='mean', validate_args=True"
    want = {
        BrierLoss(ignore_index=3, reduction="sum"): "BrierLoss(ignore_index=3, reduction='sum', validate_args=True)",
        MeanAbsoluteErrorLoss(): f"MeanAbsoluteErrorLoss({common})",
        GeneralizedCrossEntropyLoss(0.5): f"GeneralizedCrossEntropyLoss({common}, q=0.5)",
        MarginLabelSmoothingLoss(6.0, 0.2): f"MarginLabelSmoothingLoss({common}, margin=6.0, alpha=0.2)",
        MMCELoss(4.0): f"MMCELoss({common}, strength=4.0, bandwidth=0.4)",
    }
    assert {repr(loss) for loss in want} == set(want.values())


def test_an_unknown_reduction_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^reduction must be 'none', 'mean' or 'sum', got 'max'$"):
        BrierLoss(reduction="max")


BAD_INPUTS = {
    "integer logits": (
        torch.zeros(2, 3, dtype=torch.long),
        torch.tensor([0, 1]),
        "logits must be floating point, got torch.int64",
    ),
    "scalar": (torch.tensor(0.0), torch.tensor(0), "logits must have a class dimension, got a scalar"),
    "narrow indices": (
        torch.zeros(2, 3),
        torch.zeros(2).int(),
        "class indices must be int64 or uint8, got torch.int32",
    ),
    "batch sizes": (
        torch.zeros(2, 3),
        torch.tensor([0, 1, 2]),
        "class indices for logits (2, 3) must have shape (2,), got (3,)",
    ),
    "shape of probabilities": (
        torch.zeros(2, 3),
        torch.full((2, 4), 0.25),
        "probabilities must have the shape of the logits, got (2, 4) for (2, 3)",
    ),
    "index out of range": (
        torch.zeros(2, 3),
        torch.tensor([0, 3]),
        "class indices must lie in [0, 2] or be ignore_index -100, got 3",
    ),
    "sum of probabilities": (
        torch.zeros(1, 2),
        torch.tensor([[0.5, 0.6]]),
        "target probabilities must be >= 0 and sum to 1, got sums in [1.1, 1.1] and a smallest value of 0.5; "
        "validate_args=False skips this check",
    ),
    "negative probability": (
        torch.zeros(1, 2),
        torch.tensor([[-0.5, 1.5]]),
        "target probabilities must be >= 0 and sum to 1, got sums in [1, 1] and a smallest value of -0.5; "
        "validate_args=False skips this check",
    ),
}


@pytest.mark.parametrize("case", BAD_INPUTS)
def test_a_target_that_does_not_fit_the_logits_is_refused(case: str) -> None:
    logits, target, message = BAD_INPUTS[case]
    for make in PER_SAMPLE.values():
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            make()(logits, target)


def test_class_weights_for_other_classes_are_refused() -> None:
    message = "weight must hold one number for each of 4 classes, got shape (2,)"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        BrierLoss(weight=[1.0, 2.0])(*sample())


def test_the_check_of_probabilities_can_be_left_out() -> None:
    logits, target = sample("soft")
    for make in PER_SAMPLE.values():
        assert make(validate_args=False)(logits, 2 * target).isfinite()


def test_a_loss_of_a_user_is_one_method() -> None:
    check_loss(Miss(), per_sample=True, class_symmetric=True, soft=True, masking=True, half=True)
    torch.testing.assert_close(Miss()(*sample()), MeanAbsoluteErrorLoss()(*sample()) / 2)


@pytest.mark.parametrize("cls", [ClassificationLoss, TargetLoss])
def test_what_is_shared_is_no_loss_by_itself(cls: type[ClassificationLoss]) -> None:
    with pytest.raises(TypeError, match="abstract"):
        cls()
