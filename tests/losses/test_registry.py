"""The table of losses: look-up, registration, entry points, and whether its rows tell the truth."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from entreg.losses import LossInfo, MinEntLoss, MixEntLoss, available, create, find, register, registry


class OtherLoss(nn.Module):
    """Of a third party."""


OTHER = LossInfo("other", OtherLoss, formula="0", reference="none")
rows = pytest.mark.parametrize("info", available().values(), ids=lambda info: info.name)
per_sample_rows = pytest.mark.parametrize(
    "info", [info for info in available().values() if info.per_sample], ids=lambda info: info.name
)
symmetric_rows = pytest.mark.parametrize(
    "info", [info for info in available().values() if info.class_symmetric], ids=lambda info: info.name
)


@pytest.fixture
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registry", dict(registry._registry))


def sample() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(4)
    return torch.randn(6, 5, generator=generator), torch.randint(5, (6,), generator=generator)


def test_the_named_members_of_the_family_are_available() -> None:
    assert {"cross_entropy", "min_ent", "mix_ent"} <= set(available())


def test_create_passes_its_arguments_to_the_class() -> None:
    loss = create("mix_ent", eps=1e-3, reduction="sum")
    assert type(loss) is MixEntLoss
    assert (loss.eps, loss.reduction) == (1e-3, "sum")


def test_create_refuses_an_argument_out_of_its_range() -> None:
    with pytest.raises(ValueError, match="eps must lie strictly between 0 and 1, got 2"):
        create("mix_ent", eps=2)


@rows
def test_a_row_is_found_by_name_and_by_class_name(info: LossInfo) -> None:
    assert find(info.name) is info
    assert find(info.cls.__name__) is info


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("min_en", "did you mean 'min_ent'"),
        ("MixEntLos", "did you mean 'MixEntLoss'"),
        ("cross-entropy", "did you mean 'cross_entropy'"),
    ],
)
def test_an_unknown_name_is_refused_with_the_closest_ones(name: str, hint: str) -> None:
    with pytest.raises(ValueError, match=rf"^unknown loss '{name}', {hint}.*\? `entreg losses` lists all$"):
        find(name)


def test_a_name_like_no_other_is_refused_without_a_guess() -> None:
    with pytest.raises(ValueError, match=r"^unknown loss 'zzz'\. `entreg losses` lists all$"):
        create("zzz")


@pytest.mark.usefixtures("own_registry")
def test_a_registered_loss_is_available() -> None:
    assert register(OTHER) is OTHER
    assert find("other") is find("OtherLoss") is available()["other"] is OTHER
    assert type(create("other")) is OtherLoss


@pytest.mark.usefixtures("own_registry")
def test_the_same_class_can_be_registered_twice() -> None:
    count = len(available())
    register(OTHER)
    register(OTHER)
    assert len(available()) == count + 1


@pytest.mark.usefixtures("own_registry")
def test_a_taken_name_is_refused_to_another_class() -> None:
    taken = re.escape(find("min_ent").class_path)
    with pytest.raises(ValueError, match=rf"^loss name 'min_ent' is taken by {taken}, choose another$"):
        register(LossInfo("min_ent", OtherLoss, formula="0", reference="none"))
    assert find("min_ent").cls is MinEntLoss


def test_available_hands_out_a_copy() -> None:
    available().clear()
    assert "min_ent" in available()


@pytest.mark.usefixtures("own_registry")
def test_entry_points_of_installed_packages_are_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = []

    def entry_points(group: str) -> list[SimpleNamespace]:
        groups.append(group)
        return [SimpleNamespace(load=lambda: OTHER)]

    monkeypatch.setattr("entreg.losses.registry.entry_points", entry_points)
    monkeypatch.setattr(registry, "_loaded_entry_points", False)
    assert available()["other"] is OTHER
    assert type(create("OtherLoss")) is OtherLoss
    assert groups == ["entreg.losses"]


@rows
def test_a_row_describes_itself_and_its_class_needs_no_arguments(info: LossInfo) -> None:
    assert info.formula
    assert info.reference
    loss = info.cls()
    assert bool(info.learnable) == any(True for _ in loss.parameters())
    assert loss(*sample()).shape == ()


@pytest.mark.parametrize("info", [*available().values(), OTHER], ids=lambda info: info.name)
def test_the_class_path_imports_to_the_class(info: LossInfo) -> None:
    module, _, name = info.class_path.rpartition(".")
    assert getattr(importlib.import_module(module), name) is info.cls


@per_sample_rows
def test_a_per_sample_loss_gives_one_value_a_sample_whose_mean_is_the_loss(info: LossInfo) -> None:
    logits, target = sample()
    values = info.cls(reduction="none")(logits, target)
    assert values.shape == target.shape
    torch.testing.assert_close(values.mean(), info.cls()(logits, target))
    alone = torch.cat([info.cls(reduction="none")(z[None], y[None]) for z, y in zip(logits, target, strict=True)])
    torch.testing.assert_close(values, alone)


@symmetric_rows
def test_relabelling_the_classes_leaves_a_class_symmetric_loss_unchanged(info: LossInfo) -> None:
    logits, target = sample()
    new_label = torch.tensor([3, 0, 4, 1, 2])
    relabelled = torch.empty_like(logits)
    relabelled[:, new_label] = logits
    loss = info.cls()
    torch.testing.assert_close(loss(relabelled, new_label[target]), loss(logits, target))


def test_the_losses_import_neither_lightning_nor_torchvision_nor_wandb() -> None:
    code = (
        "import sys; from entreg.losses import MinEntLoss; "
        "print({'lightning', 'torchvision', 'wandb'} & {name.split('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "set()"
