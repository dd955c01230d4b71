"""Data sets by name, and a classifier evaluated on them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from entreg.__main__ import main
from entreg.data import FashionMNIST, ImageDataModule
from entreg.data.catalogue import KNOWN, find, guest_of
from entreg.errors import ConfigError
from entreg.runs import read_predictions
from tests.conftest import TINY
from tests.data.images.sets.test_mnist import write


def test_every_known_set_is_a_data_module_of_its_root(tmp_path):
    for make in KNOWN.values():
        data = make(str(tmp_path))
        assert isinstance(data, ImageDataModule)
        assert data.root == tmp_path
        assert data.image_size in (28, 32)


@pytest.mark.parametrize("name", ["FashionMNIST", "fashion-mnist", "fashion_mnist", "fashionmnist"])
def test_names_are_found_however_they_are_written(name):
    assert find(name) == "fashionmnist"


def test_an_unknown_name_is_a_config_error_that_lists_the_known():
    with pytest.raises(ConfigError, match=r"no data set is called 'imagenet', known are letters, "):
        find("imagenet")


def test_digits_stand_in_for_digits(tmp_path):
    assert guest_of("digits", tmp_path).split == "digits"
    write(tmp_path / "MNIST" / "raw", packed=False)
    assert type(guest_of("digits", tmp_path)).__name__ == "MNIST"


def test_files_that_lie_flat_in_the_root_are_the_hosts_and_nobody_elses(tmp_path, monkeypatch):
    monkeypatch.delenv("ENTREG_DATA", raising=False)
    write(tmp_path, packed=True)  # as Debian's FashionMNIST
    assert FashionMNIST(root=str(tmp_path)).missing(train=False) == []
    for name in ("kmnist", "mnist", "digits"):
        assert guest_of(name, tmp_path).missing(train=False)


def test_guests_are_looked_for_where_data_are_by_default_too(tmp_path, monkeypatch):
    monkeypatch.setenv("ENTREG_DATA", str(tmp_path / "default"))
    write(tmp_path / "default" / "KMNIST" / "raw", packed=False)
    assert guest_of("kmnist", tmp_path / "own").root == tmp_path / "default"


def test_predictions_on_sets_no_longer_asked_for_and_of_an_older_checkpoint_are_removed(fit, workplace: Path) -> None:
    run = fit("--trainer.max_epochs", "1", "--data.corruptions", "[contrast]")
    assert run.predictions("corrupt-contrast-1").is_file()
    assert main(["test", "--run", str(run.path), "--data.corruptions", "[]"]) == 0
    assert not run.predictions("corrupt-contrast-1").exists()
    assert run.predictions("val").is_file()
    assert main(["fit", "--run", str(run.path), "--trainer.max_epochs", "2", "--evaluate", "false"]) == 0
    assert list((run.path / "predictions").glob("*.npz")) == []


def test_a_run_is_evaluated_on_every_set_it_names(fit, workplace: Path) -> None:
    write(workplace / "data" / "KMNIST" / "raw", packed=False)
    write(workplace / "data" / "MNIST" / "raw", packed=True)
    run = fit(
        *("--data.root", str(workplace / "data"), "--data.ood", "[noise, kmnist, digits]"),
        *("--data.corruptions", "[contrast]", "--trainer.max_epochs", "1"),
    )
    names = {path.stem for path in (run.path / "predictions").iterdir()}
    corrupted = {f"corrupt-contrast-{severity}" for severity in range(1, 6)}
    assert names == {"val", "test", "ood-noise", "ood-kmnist", "ood-digits", *corrupted}
    assert len(read_predictions(run.predictions("ood-kmnist"))["ids"]) == 100
    clean, damaged = (read_predictions(run.predictions(name)) for name in ("test", "corrupt-contrast-5"))
    assert np.array_equal(clean["targets"], damaged["targets"])
    assert not np.allclose(clean["logits"], damaged["logits"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--data.ood", "[letters]"], "data.ood: letters shares classes with Strokes"),
        (["--data.shift", "[kmnist]"], "data.shift: no class of kmnist"),
        (["--data.ood", "[nothing]"], "no data set is called 'nothing'"),
        (["--data.corruptions", "[fog]"], "data.corruptions: got 'fog'"),
    ],
)
def test_a_set_of_the_wrong_kind_is_one_line_before_training(options, message, workplace: Path, letter_files, capsys):
    shutil.copytree(letter_files / "EMNIST", workplace / "data" / "EMNIST")
    write(workplace / "data" / "KMNIST" / "raw", packed=False)
    assert main(["fit", *TINY, "--data.root", str(workplace / "data"), *options]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len([line for line in error.splitlines() if line.startswith("entreg:")]) == 1
    assert "Traceback" not in error
    assert not Path("runs").exists()
