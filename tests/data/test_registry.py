"""The table of data sets: look-up, registration, entry points, and where a set to evaluate on is looked for."""

from __future__ import annotations

import importlib
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import torch

from entreg.__main__ import main
from entreg.data import DataInfo, FashionMNIST, Strokes, available, class_path_of, find, register, registry
from entreg.data.registry import guest_of
from entreg.errors import ConfigError
from tests.data.images.sets.test_mnist import write
from tests.data.points import Points

PACKAGE = """
import torch
from entreg.data import ClassificationDataModule, DataInfo


class Halves(ClassificationDataModule):
    classes = ("left", "right")

    def __init__(self, count: int = 40, **kwargs) -> None:
        super().__init__(**kwargs)
        self.count = count

    def load(self, train):
        return torch.linspace(-1, 1, self.count)[:, None], (torch.arange(self.count) * 2 // self.count)


ROW = DataInfo("half-lines", Halves, {"count": 60})
"""


@pytest.fixture
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registry", dict(registry._registry))


@pytest.fixture
def package_in_reach(own_registry: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package with an entry point, which the registry has not yet looked for."""
    installed = tmp_path / "installed"
    (installed / "halves-1.0.dist-info").mkdir(parents=True)
    (installed / "halves-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: halves\nVersion: 1.0\n")
    (installed / "halves-1.0.dist-info" / "entry_points.txt").write_text("[entreg.data]\nhalf-lines = halves:ROW\n")
    (installed / "halves.py").write_text(PACKAGE)
    monkeypatch.syspath_prepend(str(installed))
    monkeypatch.setattr(registry, "_loaded_entry_points", False)
    yield
    sys.modules.pop("halves", None)


@pytest.mark.parametrize("name", ["FashionMNIST", "fashion-mnist", "fashion_mnist", "fashionmnist"])
def test_names_are_found_however_they_are_written(name: str) -> None:
    assert find(name).name == "fashionmnist"
    assert class_path_of(name) == ("entreg.data.FashionMNIST", {})


def test_an_unknown_name_is_a_config_error_with_the_closest_ones_or_all() -> None:
    with pytest.raises(
        ConfigError, match=r"no data set is called 'Lettrs', did you mean 'letters'\? `entreg data list`"
    ):
        find("Lettrs")
    with pytest.raises(ConfigError, match=r"no data set is called 'imagenet', known are letters, .*, banking77$"):
        find("imagenet")


def test_a_row_gives_class_path_and_arguments_for_a_config() -> None:
    for info in available().values():
        class_path, init_args = class_path_of(info.name)
        module, _, name = class_path.rpartition(".")
        assert getattr(importlib.import_module(module), name) is info.cls
        assert module == "entreg.data"
        assert init_args == info.init_args
    assert class_path_of("letters") == ("entreg.data.EMNIST", {"split": "letters"})
    assert class_path_of("emnist") == ("entreg.data.EMNIST", {})
    assert class_path_of("ImageFolder") is class_path_of("my_file.MyData") is None


@pytest.mark.usefixtures("own_registry")
def test_a_registered_data_set_is_available_and_its_name_taken() -> None:
    info = DataInfo("my-points", Points, {"batch_size": 7})
    assert register(info) is info
    register(DataInfo("my-points", Points, {"batch_size": 7}))  # the same again
    assert available()["my-points"] == find("MyPoints")
    assert find("my_points").make(Path("here")).batch_size == 7
    for other in (DataInfo("MyPoints", Points), DataInfo("Letters", Points)):
        taken = find(other.name)
        with pytest.raises(ValueError, match=rf"^data set name '{other.name}' is taken by {taken.name} = .*, choose"):
            register(other)
        assert find(other.name) is taken
    with pytest.raises(TypeError, match="is a DataInfo, got type"):
        register(Points)


@pytest.mark.usefixtures("package_in_reach")
def test_a_data_set_of_an_installed_package_has_a_name(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert class_path_of("half_lines") == ("halves.Halves", {"count": 60})
    assert torch.equal(guest_of("HalfLines", tmp_path).checked(train=False)[1].bincount(), torch.tensor([30, 30]))
    assert main(["data", "verify", "half-lines", "--root", str(tmp_path)]) == 0
    assert "half-lines test: ok, 60 samples, 30 to 30 a class" in capsys.readouterr().out
    assert main(["data", "list", "--root", str(tmp_path)]) == 0
    assert "half-lines" in capsys.readouterr().out
    out = tmp_path / "sheet.png"
    assert main(["data", "show", "half-lines", "--out", str(out)]) == 1
    assert capsys.readouterr().err == "entreg: samples of Halves cannot be shown: they are no pictures\n"
    assert not out.exists()


@pytest.mark.usefixtures("own_registry")
def test_a_broken_plug_in_is_left_out_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = [EntryPoint("gone", "package_that_is_not_there:info", registry.ENTRY_POINT_GROUP)]
    broken.append(EntryPoint("number", "math:pi", registry.ENTRY_POINT_GROUP))
    asked: list[str] = []
    monkeypatch.setattr("entreg.entries.entry_points", lambda group: asked.append(group) or broken)
    monkeypatch.setattr(registry, "_loaded_entry_points", False)
    with pytest.warns(UserWarning, match="of an installed package is left out") as caught:
        assert "letters" in available()
    messages = [str(warning.message) for warning in caught]
    assert "the data set gone = package_that_is_not_there:info" in messages[0]
    assert "ModuleNotFoundError" in messages[0]
    assert messages[1].endswith("TypeError: an entry of the registry is a DataInfo, got float")
    available()
    assert asked == ["entreg.data"]


def test_files_that_lie_flat_in_the_root_are_the_hosts_and_nobody_elses(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("ENTREG_DATA", raising=False)
    write(tmp_path, packed=True)  # as Debian's FashionMNIST
    assert FashionMNIST(root=str(tmp_path)).missing(train=False) == []
    assert find("fashionmnist").make(tmp_path).missing(train=False) == []
    for name in ("kmnist", "mnist", "fashionmnist"):
        assert guest_of(name, tmp_path).missing(train=False)


def test_what_stands_in_is_taken_where_files_are_absent(tmp_path) -> None:
    assert guest_of("digits", tmp_path).split == "digits"
    write(tmp_path / "MNIST" / "raw", packed=False)
    assert type(guest_of("digits", tmp_path)).__name__ == "MNIST"


def test_guests_are_looked_for_where_data_are_by_default_too(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("ENTREG_DATA", str(tmp_path / "default"))
    raw = tmp_path / "default" / "KMNIST" / "raw"
    write(raw, packed=False)
    for path in raw.glob("train*"):  # the test files are all that it takes
        path.unlink()
    assert guest_of("kmnist", tmp_path / "own").root == tmp_path / "default"


def test_a_set_without_files_needs_no_place(tmp_path) -> None:
    assert type(find("strokes").placed(tmp_path)) is Strokes
    assert guest_of("strokes", tmp_path).root == tmp_path


def test_guests_of_a_file_are_looked_for_beside_it(tmp_path) -> None:
    (tmp_path / "texts.csv").write_text("text,label\n")
    assert guest_of("kmnist", tmp_path / "texts.csv").root == tmp_path
