"""Data sets by name, and a classifier evaluated on them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from entreg.__main__ import main
from entreg.data import ImageDataModule
from entreg.data.known import KNOWN, find, guest_of
from entreg.errors import ConfigError
from entreg.runs import read_predictions
from tests.conftest import TINY
from tests.data.test_mnist import write


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
    with pytest.raises(ConfigError, match=r"no data set is called 'imagenet', known are noise, letters, "):
        find("imagenet")


def test_digits_stand_in_for_digits(tmp_path):
    assert guest_of("digits", tmp_path).split == "digits"
    write(tmp_path / "MNIST" / "raw", packed=False)
    assert type(guest_of("digits", tmp_path)).__name__ == "MNIST"


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
