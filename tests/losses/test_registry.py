"""The registry of losses: look-up, registration, entry points, and values of each sample."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import yaml
from torch import nn

from entreg.__main__ import main
from entreg.losses import LossInfo, MinEntLoss, MixEntLoss, available, create, find, name_of, register, registry
from tests.conftest import TINY

PROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "throwaway-losses"
version = "1.0"

[project.entry-points."entreg.losses"]
tempered = "throwaway_losses.tempered:ENTRY"

[tool.setuptools]
packages = ["throwaway_losses"]
"""
EXPORTS = "from throwaway_losses.tempered import TemperedLoss\n"
MODULE = '''
import torch
from entreg.losses import LossInfo


class TemperedLoss(torch.nn.Module):
    """Cross-entropy at a temperature of its own."""

    def __init__(self, temperature: float = 2.0) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(logits / self.temperature, target)


ENTRY = LossInfo("tempered", TemperedLoss, "CE(q, softmax(z / T))", "a paper to come", per_sample=False)
'''


class OtherLoss(nn.Module):
    """Of a third party."""


OTHER = LossInfo("other", OtherLoss, formula="0", reference="none")


@pytest.fixture
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registry", dict(registry._registry))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which a package with a loss has been installed."""
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("installed")
    (source / "pyproject.toml").write_text(PROJECT)
    (source / "throwaway_losses").mkdir()
    (source / "throwaway_losses" / "__init__.py").write_text(EXPORTS)
    (source / "throwaway_losses" / "tempered.py").write_text(MODULE)
    offline = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *offline, "--target", str(folder), str(source)]
    subprocess.run(command, check=True, timeout=120)
    return folder


@pytest.fixture
def package_in_reach(installed: Path, own_registry: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package can be imported in this process, and the registry has not yet looked for it."""
    monkeypatch.syspath_prepend(str(installed))
    monkeypatch.setattr(registry, "_loaded_entry_points", False)
    yield
    for name in ("throwaway_losses", "throwaway_losses.tempered"):
        sys.modules.pop(name, None)


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


def test_an_entry_is_found_by_name_and_by_class_name() -> None:
    for info in available().values():
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

    monkeypatch.setattr("entreg.entries.entry_points", entry_points)
    monkeypatch.setattr(registry, "_loaded_entry_points", False)
    assert available()["other"] is OTHER
    assert type(create("OtherLoss")) is OtherLoss
    assert groups == ["entreg.losses"]


@pytest.mark.usefixtures("package_in_reach")
def test_a_loss_of_an_installed_package_is_listed_and_has_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    own = list(available())
    own.remove("tempered")
    assert main(["losses"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in listed[1:]] == [*own, "tempered"]
    assert re.fullmatch(r"tempered +CE\(q, softmax\(z / T\)\) +- +a paper to come", listed[-1])
    assert main(["losses", "tempered"]) == 0
    page = capsys.readouterr().out.splitlines()
    assert page[:3] == ["tempered: CE(q, softmax(z / T))", "reference: a paper to come", "learnt: nothing"]
    assert page[4].startswith("throwaway_losses.TemperedLoss(temperature=2.0)")
    assert page[6] == "Cross-entropy at a temperature of its own."


@pytest.mark.usefixtures("package_in_reach")
def test_a_loss_of_an_installed_package_is_created_by_its_name() -> None:
    assert create("tempered", temperature=3.0).temperature == 3.0
    assert find("TemperedLoss").class_path == "throwaway_losses.TemperedLoss"
    assert name_of("throwaway_losses.TemperedLoss") == "tempered"


@pytest.mark.usefixtures("workplace", "package_in_reach")
def test_a_loss_of_an_installed_package_can_be_trained_with_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["fit", *TINY, "--model.loss", "tempered", "--model.loss.temperature", "3", "--print_config"])
    assert stopped.value.code == 0
    assert yaml.safe_load(capsys.readouterr().out)["model"]["loss"] == {
        "class_path": "throwaway_losses.TemperedLoss",
        "init_args": {"temperature": 3.0},
    }


def test_the_class_path_imports_to_the_class() -> None:
    for info in (*available().values(), OTHER):
        module, _, name = info.class_path.rpartition(".")
        assert getattr(importlib.import_module(module), name) is info.cls


def test_the_value_of_a_sample_is_that_of_the_sample_alone() -> None:
    logits, target = sample()
    for info in available().values():
        if info.per_sample:
            loss = info.cls(reduction="none")
            alone = torch.cat([loss(z[None], y[None]) for z, y in zip(logits, target, strict=True)])
            torch.testing.assert_close(loss(logits, target), alone)


def test_what_is_useful_alone_imports_nothing_large() -> None:
    code = (
        "import sys; import entreg.losses, entreg.metrics, entreg.models, entreg.testing; "
        "print({'lightning', 'torchmetrics', 'torchvision', 'wandb'} & {name.split('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "set()"


def test_a_broken_plug_in_is_left_out_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = [
        EntryPoint("gone", "package_that_is_not_there:info", registry.ENTRY_POINT_GROUP),
        EntryPoint("number", "math:pi", registry.ENTRY_POINT_GROUP),
    ]
    monkeypatch.setattr("entreg.entries.entry_points", lambda group: broken)
    monkeypatch.setattr(registry, "_loaded_entry_points", False)
    monkeypatch.setattr(registry, "_registry", dict(registry._registry))
    with pytest.warns(UserWarning, match="of an installed package is left out") as caught:
        assert "mix_ent" in available()
    messages = [str(warning.message) for warning in caught]
    assert "the loss gone = package_that_is_not_there:info" in messages[0]
    assert "ModuleNotFoundError" in messages[0]
    assert messages[1].endswith("TypeError: an entry of the registry is a LossInfo, got float")
