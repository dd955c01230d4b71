from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from entreg.losses import EntropyRegularizedLoss, LossInfo, Term, available
from entreg.testing import check_loss


@pytest.mark.parametrize("info", available().values(), ids=lambda info: info.name)
def test_every_registered_loss_passes(info: LossInfo) -> None:
    check_loss(
        info.cls(),
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
    check_loss(
        EntropyRegularizedLoss(**terms, constraint=constraint),
        per_sample=True,
        class_symmetric=True,
        soft=True,
        half=True,
    )


class Broken(nn.Module):
    """Cross-entropy with one defect."""

    reduction = "mean"

    def __init__(self, defect: str) -> None:
        super().__init__()
        self.defect = defect

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        ce = F.cross_entropy(logits, target, reduction=self.reduction)
        weights = torch.arange(len(ce), dtype=ce.dtype) if ce.ndim else None
        match self.defect:
            case "shape":
                return ce.expand(1)
            case "gradient":
                return ce.detach() + 0.5 * (ce - ce.detach())
            case "finite":
                return -logits.softmax(1).gather(1, target[:, None]).log().mean()
            case "order":
                return (F.cross_entropy(logits, target, reduction="none") * torch.arange(len(target))).sum()
            case "shift":
                return ce + logits[:, 0].tanh().mean()
            case "descent":
                return 0.0 * ce
            case "classes":
                return ce + logits.log_softmax(1)[:, 0].mean()
            case "reduction":
                return ce if weights is None else ce + weights
            case "soft":
                return 2 * ce if target.is_floating_point() else ce
            case "masking":
                return F.cross_entropy(logits, target, reduction=self.reduction, label_smoothing=0.1)
            case "indices only":
                return F.nll_loss(logits.log_softmax(1), target, reduction=self.reduction)
        raise ValueError(self.defect)


@pytest.mark.parametrize(
    ("defect", "words"),
    [
        ("shape", "the loss is a scalar"),
        ("gradient", "[Jj]acobian mismatch"),
        ("finite", "finite values and gradients"),
        ("order", "the order of the samples"),
        ("shift", "a constant added to the logits"),
        ("descent", "gradient descent lower the loss"),
        ("classes", "the names of the classes"),
        ("reduction", "is the mean of"),
        ("soft", "one-hot probabilities give what class indices do"),
        ("masking", "logits of -inf and 0 in torch.float32 give finite"),
        ("indices only", "multi-target not supported"),
    ],
)
def test_a_defect_is_named(defect: str, words: str) -> None:
    soft = defect in ("soft", "indices only")
    with pytest.raises((AssertionError, RuntimeError), match=words):
        check_loss(Broken(defect), per_sample=True, class_symmetric=True, soft=soft, masking=not soft)


def test_probabilities_are_asked_for_masked_classes_too() -> None:
    with pytest.raises(AssertionError, match="logits of -inf and 0 in torch"):
        check_loss(nn.CrossEntropyLoss(), soft=True)


def test_what_is_not_claimed_is_not_asked() -> None:
    check_loss(Broken("classes"))
    check_loss(Broken("reduction"), class_symmetric=True)
    check_loss(Broken("soft"), per_sample=True, class_symmetric=True)
    check_loss(Broken("indices only"), per_sample=True, class_symmetric=True)
    check_loss(Broken("masking"), per_sample=True, class_symmetric=True, soft=True, masking=False)


def test_the_loss_itself_is_not_changed() -> None:
    loss = available()["min_ent"].cls()
    before = {name: value.clone() for name, value in loss.state_dict().items()}
    check_loss(loss, per_sample=True)
    after = loss.state_dict()
    assert all(torch.equal(before[name], after[name]) and after[name].dtype == torch.float32 for name in before)
