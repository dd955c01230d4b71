"""entreg data: list, verify, prepare, show."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch
from matplotlib.image import imread
from torchvision import datasets

from entreg.__main__ import main
from tests.data.images.sets.idx_files import encode, write_letters
from tests.data.images.sets.test_mnist import write


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_letters(tmp_path, train=260, test=52)
    write(tmp_path / "FashionMNIST" / "raw", packed=True)
    monkeypatch.setenv("ENTREG_DATA", str(tmp_path))
    return tmp_path


def test_list_says_what_is_here_and_how_to_get_the_rest(root, capsys):
    assert main(["data", "list"]) == 0
    rows = {line.split("│")[1].strip(): line for line in capsys.readouterr().out.splitlines() if "│" in line}
    assert "training and test" in rows["letters"]
    assert "training and test" in rows["fashionmnist"]
    assert "entreg data prepare cifar10" in rows["cifar10"]
    assert "drawn when it is needed" in rows["strokes"]
    assert not list(root.glob("Strokes*"))


def test_verify_reads_what_is_here(root, capsys, monkeypatch):
    assert main(["data", "verify"]) == 0
    printed = capsys.readouterr().out
    assert "letters training: ok, 260 samples, 10 to 10 a class\n" in printed
    assert "fashionmnist test: ok, 100 samples, 10 to 10 a class, MD5 not as published" in printed
    assert "mnist training" not in printed.replace("fashionmnist", "")
    files = sorted((root / "FashionMNIST" / "raw").glob("t10k*"))
    published = [(path.name, hashlib.md5(path.read_bytes()).hexdigest()) for path in files]
    monkeypatch.setattr(datasets.FashionMNIST, "resources", published)
    assert main(["data", "verify", "fashionmnist"]) == 0
    assert "fashionmnist test: ok, 100 samples, 10 to 10 a class, MD5 as published" in capsys.readouterr().out


def test_verify_names_what_is_damaged_and_fails(root, capsys):
    victim = root / "EMNIST" / "raw" / "emnist-letters-test-images-idx3-ubyte"
    victim.write_bytes(victim.read_bytes()[:-1])
    assert main(["data", "verify", "letters"]) == 1
    out, err = capsys.readouterr()
    assert "letters training: ok" in out
    assert f"letters test: {victim}: has" in out
    assert err == "entreg: 1 of 2 files are damaged or absent, see above\n"


def test_verify_of_a_set_that_is_absent_and_of_an_empty_root_fail(root, capsys, tmp_path):
    assert main(["data", "verify", "mnist"]) == 1
    assert "train-images-idx3-ubyte is absent" in capsys.readouterr().out
    assert main(["data", "verify", "--root", str(tmp_path / "empty")]) == 1
    assert "holds no data set that is known" in capsys.readouterr().err


def test_prepare_downloads_through_torchvision(tmp_path, monkeypatch, capsys):
    class Downloads:
        def __init__(self, root: str, train: bool, download: bool) -> None:
            assert download
            write(Path(root) / "KMNIST" / "raw", packed=False)

    monkeypatch.setattr(datasets, "KMNIST", Downloads)
    assert main(["data", "prepare", "KMNIST", "--root", str(tmp_path)]) == 0
    assert "training: 300 samples\ntest: 100 samples\n" in capsys.readouterr().out
    assert (tmp_path / "KMNIST" / "raw" / "t10k-images-idx3-ubyte").is_file()


def test_show_draws_upright_letters_with_labels(root, tmp_path):
    raw = root / "EMNIST" / "raw" / "emnist-letters-test-images-idx3-ubyte"
    images = torch.zeros(52, 28, 28, dtype=torch.uint8)
    images[:, :, 2] = 255  # stored on its side: a line that runs down, across when upright
    raw.write_bytes(encode(images))
    out = tmp_path / "pictures" / "sheet.png"
    assert main(["data", "show", "letters", "--test", "--count", "1", "--out", str(out)]) == 0
    picture = imread(out)[..., 0]
    dark = picture < 0.5
    shown = dark.mean(1) > 0.5  # rows of the letter, below its label
    top, bottom = shown.nonzero()[0][[0, -1]]
    left, right = dark[bottom].nonzero()[0][[0, -1]]
    inside = picture[top : bottom + 1, left : right + 1]
    assert inside.mean(1).max() > 0.9
    assert inside.mean(0).max() < 0.3


def test_show_sorts_by_class(root, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr("entreg.cli.commands.data._draw", lambda pictures, titles, out: drawn.append(titles))
    assert main(["data", "show", "letters", "--count", "26", "--out", str(tmp_path / "sheet.png")]) == 0
    assert len(drawn[0]) == 26
    assert drawn[0] == sorted(drawn[0])
    assert len(set(drawn[0])) > 5


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "the following arguments are required"),
        (["show", "nothing"], "no data set is called 'nothing'"),
        (["show", "letters", "--count", "0"], "--count is a number >= 1, got 0"),
        (["list", "--bogus"], "there is no option --bogus"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(args, message, root, capsys):
    assert main(["data", *args]) == 2
    error = capsys.readouterr().err
    assert error.startswith("entreg: ")
    assert message in error
    assert error.count("\n") == 1


def test_show_of_what_is_absent_is_one_line(root, capsys):
    assert main(["data", "show", "mnist"]) == 1
    assert "is absent; entreg data prepare" in capsys.readouterr().err
