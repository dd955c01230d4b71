"""The entries of the registry: complete, and true of the classes they name."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields

import pytest
import torch
from torch import nn

from entreg import losses
from entreg.losses import LossInfo, available
from entreg.testing import check_loss

OWN = [info for info in available().values() if info.cls.__module__.startswith("entreg.")]
CLAIMS = [field.name for field in fields(LossInfo) if field.type == "bool"]
DISCLAIMED = [(info.name, claim) for info in OWN for claim in CLAIMS if not getattr(info, claim)]


def test_every_loss_that_entreg_exports_has_one_entry() -> None:
    exported = [getattr(losses, name) for name in losses.__all__]
    modules = [value for value in exported if inspect.isclass(value) and issubclass(value, nn.Module)]
    want = {cls for cls in modules if cls is not losses.Coefficients}
    assert {info.cls for info in OWN} == want
    assert len(OWN) == len(want)


def test_names_and_formulas_are_each_given_once() -> None:
    for attribute in ("name", "formula"):
        values = [getattr(info, attribute) for info in OWN]
        assert len(set(values)) == len(values)


def test_entries_are_named_described_and_importable() -> None:
    for info in OWN:
        assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", info.name)
        assert available()[info.name] is info
        assert info.formula.strip()
        assert info.reference.strip()
        assert info.class_path == f"entreg.losses.{info.cls.__name__}"
        assert getattr(losses, info.cls.__name__) is info.cls


def test_every_argument_has_a_default() -> None:
    for info in OWN:
        parameters = inspect.signature(info.cls).parameters.values()
        assert [p.name for p in parameters if p.kind is not p.VAR_KEYWORD and p.default is p.empty] == []


def test_the_papers_of_an_entry_are_those_of_its_documentation() -> None:
    for info in OWN:
        documentation = inspect.getdoc(info.cls)
        papers = re.findall(r"\d{4}\.\d{5}", info.reference)
        assert [paper for paper in papers if paper not in documentation] == []


def test_what_is_learnt_by_default_is_said() -> None:
    for info in OWN:
        learnt = {name for name, parameter in info.cls().named_parameters() if parameter.requires_grad}
        if info.learnable == "weights, bases":
            assert learnt == {"coefficients.weight.learnt", "coefficients.log_base.learnt"}
        else:
            assert learnt == set()
            assert info.learnable in ("", "what is given as a Term")


def test_the_claims_of_an_entry_are_those_that_check_loss_checks() -> None:
    assert set(CLAIMS) <= set(inspect.signature(check_loss).parameters)


@pytest.mark.parametrize(("name", "claim"), DISCLAIMED)
def test_what_an_entry_does_not_claim_does_not_hold(name: str, claim: str) -> None:
    info = available()[name]
    with pytest.raises((AssertionError, ValueError)):
        check_loss(info.cls(), exempt=info.exempt, **{claim: True})


@pytest.mark.parametrize(("name", "property_"), [(info.name, name) for info in OWN for name in info.exempt])
def test_what_an_entry_is_exempt_from_does_not_hold(name: str, property_: str) -> None:
    info = available()[name]
    with pytest.raises(AssertionError, match=f"fails '{property_}'"):
        check_loss(info.cls(), exempt={*info.exempt} - {property_})


def test_a_loss_that_takes_no_probabilities_says_so() -> None:
    logits, target = torch.zeros(2, 3), torch.full((2, 3), 1 / 3)
    for info in OWN:
        if info.soft:
            assert info.cls()(logits, target).isfinite()
        else:
            with pytest.raises(ValueError, match="must be class indices"):
                info.cls()(logits, target)


def test_every_loss_takes_uint8_indices_as_pytorch_does() -> None:
    logits = torch.randn(4, 200, generator=torch.Generator().manual_seed(0), requires_grad=True)
    target = torch.tensor([3, 156, 199, 156])  # 156 is what -100 would be in uint8
    for info in OWN:
        found = []
        for given in (target, target.to(torch.uint8)):
            loss = info.cls(ignore_index=-100)(logits, given)
            found.append((loss, *torch.autograd.grad(loss, logits)))
        torch.testing.assert_close(found[1], found[0], rtol=0, atol=0)


def test_no_loss_makes_an_accelerator_wait() -> None:
    for info in OWN:
        logits = torch.zeros(4, 5, device="meta", requires_grad=True)  # holds no number that could be read
        info.cls().to("meta")(logits, torch.zeros(4, dtype=torch.int64, device="meta")).backward()
        assert logits.grad is not None


@pytest.mark.parametrize("info", OWN, ids=lambda info: info.name)
def test_every_loss_trains_a_classifier(info: LossInfo) -> None:
    generator = torch.Generator().manual_seed(5)
    target = torch.arange(120) % 4
    inputs = 2 * torch.eye(4)[target] + torch.randn(120, 4, generator=generator)
    net, loss = nn.Linear(4, 4), info.cls()
    with torch.no_grad():
        net.weight.copy_(0.1 * torch.randn(4, 4, generator=generator))
        net.bias.zero_()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    values = []
    for _ in range(60):
        optimizer.zero_grad()
        values.append(loss(net(inputs), target))
        values[-1].backward()
        optimizer.step()
    accuracy = (net(inputs).argmax(1) == target).float().mean()
    assert values[-1] < values[0]
    assert accuracy > 0.75, accuracy  # chance is 0.25, and of new samples nobody has more than 0.82 right
