"""Data sets by name, and a classifier evaluated on them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from entreg.__main__ import main
from entreg.data import ImageDataModule, TextDataModule, available
from entreg.runs import read_predictions
from tests.conftest import TINY
from tests.data.images.sets.test_mnist import write


def test_every_known_set_is_a_data_module_of_its_root(tmp_path):
    for info in available().values():
        data = info.make(tmp_path)
        assert isinstance(data, ImageDataModule | TextDataModule)
        assert data.root == tmp_path
        assert isinstance(data, TextDataModule) or data.declared_shape in ((1, 28, 28), (3, 32, 32))


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
