from __future__ import annotations

import re

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from entreg.losses import (
    ConfidencePenaltyLoss,
    EntropyRegularizedLoss,
    LossInfo,
    MarginLabelSmoothingLoss,
    MinEntLoss,
    MMCELoss,
    Term,
    available,
)
from entreg.testing import check_loss
from entreg.testing.check import PROPERTIES
from tests.testing.wrong import WRONG, Loss, smoothed

WEIGHT = torch.tensor([0.2, 1.0, 0.5, 3.0, 1.0, 0.7, 0.1])

RIGHT: dict[str, nn.Module] = {
    "PyTorch's": nn.CrossEntropyLoss(),
    "with label smoothing": nn.CrossEntropyLoss(label_smoothing=0.1),
    "with three class weights": nn.CrossEntropyLoss(weight=torch.tensor([0.2, 1.0, 3.0])),
    "with a class of weight 0": nn.CrossEntropyLoss(weight=torch.tensor([1.0, 0.0, 3.0]), label_smoothing=0.1),
    "with unequal weights and strong smoothing": nn.CrossEntropyLoss(weight=WEIGHT, label_smoothing=0.8),
    "weights of its own": Loss(lambda z, y: F.cross_entropy(z, y, weight=WEIGHT.to(z))),
    "a sum": nn.CrossEntropyLoss(reduction="sum"),
    "a weighted sum, class 0 ignored": nn.CrossEntropyLoss(weight=WEIGHT, ignore_index=0, reduction="sum"),
    "class 3 ignored": nn.CrossEntropyLoss(ignore_index=3),
    "255 ignored": nn.CrossEntropyLoss(ignore_index=255),
    "log-softmax and NLL": Loss(lambda z, y: F.nll_loss(z.log_softmax(1), y)),
    "in float32 whatever comes": Loss(lambda z, y: F.cross_entropy(z.float(), y)),
    "margins": nn.MultiMarginLoss(),
    "squared and weighted margins": nn.MultiMarginLoss(p=2, weight=WEIGHT),
    "negative label smoothing": Loss(lambda z, y: smoothed(z, y, -2.0)),
    "adjusted logits": Loss(lambda z, y: F.cross_entropy(z + torch.linspace(0, -4, 7).to(z), y)),
    "a strong confidence penalty": ConfidencePenaltyLoss(5.0),
    "a pull on all distances": MarginLabelSmoothingLoss(margin=0.0, alpha=1.0),
    "MIN-ENT, weighted, class 2 ignored": MinEntLoss(weight=WEIGHT.tolist(), ignore_index=2),
}

EXEMPT: dict[str, tuple[nn.Module, set[str]]] = {
    "squared error": (Loss(lambda z, y: F.mse_loss(z, F.one_hot(y, z.shape[1]).to(z.dtype))), {"shift"}),
    "LogitNorm": (Loss(lambda z, y: F.cross_entropy(F.normalize(z) / 0.04, y)), {"shift"}),
    "binary cross-entropy": (nn.BCEWithLogitsLoss(), {"indices", "shift"}),
    "probabilities only": (Loss(lambda z, q: F.cross_entropy(z, q) + 0 * q.sum(1).mean()), {"indices"}),
    "MMCE of a sum": (MMCELoss(reduction="sum"), {"reduction", "samples"}),
    "unlabelled samples": (EntropyRegularizedLoss(ce=1.0, entropy=0.1, unlabelled=True), {"ignore_index"}),
}


@pytest.mark.parametrize("info", available().values(), ids=lambda info: info.name)
def test_every_registered_loss_passes(info: LossInfo) -> None:
    check_loss(
        info.cls(),
        exempt=info.exempt,
        per_sample=info.per_sample,
        class_symmetric=info.class_symmetric,
        soft=info.soft,
        masking=info.masking,
        half=True,
    )


@pytest.mark.parametrize("constraint", ["fixed", "free", "square", "exp", "softplus", "softmax", "uncertainty"])
def test_every_constraint_passes(constraint: str) -> None:
    bases = constraint not in ("softmax", "uncertainty")
    terms = {name: Term(weight, 3.0, learn_base=bases) for name, weight in (("ce", 1.0), ("entropy", 0.2), ("kl", 0.1))}
    loss = EntropyRegularizedLoss(**terms, constraint=constraint)
    check_loss(loss, per_sample=True, class_symmetric=True, soft=True, masking=True, half=True)


@pytest.mark.parametrize("name", RIGHT)
def test_right_losses_pass_as_they_are(name: str) -> None:
    check_loss(RIGHT[name])


@pytest.mark.parametrize("name", EXEMPT)
def test_right_losses_pass_with_their_exemptions_and_not_without(name: str) -> None:
    loss, exempt = EXEMPT[name]
    check_loss(loss, exempt=exempt)
    for needed in exempt:
        with pytest.raises(AssertionError):
            check_loss(loss, exempt=exempt - {needed})


def test_the_losses_of_timm_pass() -> None:
    from timm import loss as timm_losses  # it imports torchvision

    check_loss(timm_losses.LabelSmoothingCrossEntropy())
    check_loss(timm_losses.SoftTargetCrossEntropy(), exempt={"indices"})
    check_loss(timm_losses.BinaryCrossEntropy(), exempt={"shift"})
    check_loss(timm_losses.BinaryCrossEntropy(weight=WEIGHT, sum_classes=True), exempt={"shift"})


@pytest.mark.parametrize(
    ("property_", "loss"),
    [pytest.param(name, loss, id=f"{name}: {fault}") for name, faults in WRONG.items() for fault, loss in faults],
)
def test_wrong_losses_are_caught_by_name(property_: str, loss: nn.Module) -> None:
    with pytest.raises(AssertionError, match=rf"^{type(loss).__name__} fails '{property_}': [^\n]+; [^\n]+$"):
        check_loss(loss)


def test_every_property_is_documented_and_catches_something() -> None:
    documented = re.findall(r"^ +``(\w+)``$", check_loss.__doc__ or "", re.MULTILINE)
    assert documented == list(PROPERTIES)
    assert set(WRONG) == {"scalar", *PROPERTIES}


def test_an_error_says_what_was_expected_and_seen_and_what_to_do() -> None:
    with pytest.raises(AssertionError) as caught:
        check_loss(nn.CrossEntropyLoss(reduction="none"))
    assert str(caught.value) == (
        "CrossEntropyLoss fails 'scalar': the loss of a batch is one number: expected a tensor of shape (), got one of "
        "shape (9,); set its reduction, or exempt={'indices'} if it takes probabilities only"
    )
    with pytest.raises(AssertionError, match=r"expected 1\.\d+, got 2\.\d+; if that is meant, exempt=\{'shift'\}$"):
        check_loss(nn.BCEWithLogitsLoss(), exempt={"indices"})


def test_class_weights_may_be_unequal() -> None:
    check_loss(nn.CrossEntropyLoss(torch.tensor([0.5, 1.0, 2.0])), num_classes=3, per_sample=True)


def test_an_exemption_from_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^a loss can be exempt from finite, .*, indices, got margin, shifts$"):
        check_loss(nn.MultiMarginLoss(), exempt={"shifts", "margin"})


class Broken(nn.Module):
    """Cross-entropy that breaks what it might claim."""

    reduction = "mean"

    def __init__(self, defect: str) -> None:
        super().__init__()
        self.defect = defect

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        ce = F.cross_entropy(logits, target, reduction=self.reduction)
        match self.defect:
            case "class_symmetric":
                return ce + 0.1 * logits.log_softmax(1)[:, 0].mean()
            case "per_sample":
                return ce + torch.arange(len(ce), dtype=ce.dtype) if ce.ndim else ce
            case "soft":
                return 2 * ce if target.is_floating_point() else ce
            case "masking":
                return F.cross_entropy(logits, target, reduction=self.reduction, label_smoothing=0.1)
            case "indices only":
                return F.nll_loss(logits.log_softmax(1), target, reduction=self.reduction)
        raise ValueError(self.defect)


@pytest.mark.parametrize(
    ("defect", "claims", "words"),
    [
        ("per_sample", {"per_sample"}, "'per_sample': reduction='mean' is the mean of 'none': expected"),
        ("class_symmetric", {"class_symmetric"}, "'class_symmetric': the names of the classes do not matter: expected"),
        ("soft", {"soft"}, "'soft': one-hot probabilities give what class indices do: expected"),
        ("masking", {"masking"}, "'masking': a logit of -inf in torch.float32 for another class"),
        ("indices only", {"soft"}, r"raises RuntimeError: .*multi-target not supported"),
        ("masking", {"half"}, "'finite': logits of 1e4 and -1e4 in torch.float16"),
    ],
)
def test_a_claim_that_does_not_hold_is_named(defect: str, claims: set[str], words: str) -> None:
    check_loss(Broken(defect))
    with pytest.raises(AssertionError, match=words):
        check_loss(Broken(defect), **dict.fromkeys(claims, True))


def test_probabilities_are_asked_for_masked_classes_too() -> None:
    check_loss(nn.CrossEntropyLoss(), masking=True)
    with pytest.raises(AssertionError, match=r"a logit of -inf in torch\.float32 for another class"):
        check_loss(nn.CrossEntropyLoss(), soft=True, masking=True)


def test_the_number_of_classes_can_be_given() -> None:
    check_loss(MinEntLoss(per_class_bases=3), num_classes=3)


def test_the_loss_itself_is_not_changed() -> None:
    loss = available()["min_ent"].cls()
    before = {name: value.clone() for name, value in loss.state_dict().items()}
    check_loss(loss, per_sample=True)
    after = loss.state_dict()
    assert all(torch.equal(before[name], after[name]) and after[name].dtype == torch.float32 for name in before)


def test_what_is_no_loss_or_no_number_of_classes_is_one_clear_error() -> None:
    for given in (nn.CrossEntropyLoss, nn.functional.cross_entropy, None):
        with pytest.raises(TypeError, match=r"expected an instance of nn\.Module"):
            check_loss(given)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="num_classes 0: expected a whole number >= 2"):
        check_loss(nn.CrossEntropyLoss(), num_classes=0)
    check_loss(nn.BCEWithLogitsLoss(), exempt={"indices", "shift"})
    with pytest.raises(ValueError, match=r"got shifts$"):
        check_loss(nn.CrossEntropyLoss(), exempt="shifts")
