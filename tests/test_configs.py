"""No shipped config can rot: each states its command, parses, and trains."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from entreg.__main__ import main
from tests.conftest import REPOSITORY
from tests.data.picture_files import write_cifar
from tests.data.test_emnist import write_split
from tests.data.test_mnist import write
from tests.idx_files import write_letters

CONFIGS = sorted((REPOSITORY / "configs").rglob("*.yaml"))
TOP_LEVEL = [path for path in CONFIGS if path.parent.name == "configs"]
SMALL = ["--trainer.fast_dev_run", "true", "--data.batch_size", "8", "--trainer.accelerator", "cpu"]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_starts_with_the_command_that_uses_it(path: Path) -> None:
    first = path.read_text().splitlines()[0]
    assert first.startswith("# ")
    command = first.split(": ", 1)[1]
    assert command.startswith("entreg fit --config configs/")
    for word in command.split():
        if word.startswith("configs/"):
            assert (REPOSITORY / word).is_file()


@pytest.mark.parametrize("path", TOP_LEVEL, ids=lambda path: path.name)
def test_trains(path: Path, workplace: Path, letter_files: Path) -> None:
    files = ["--config", str(path)]
    if path.name == "paper.yaml":
        files = ["--config", str(path.with_name("mix_ent.yaml")), *files]
    small = SMALL
    if path.name == "quickstart.yaml":
        small = [*SMALL, "--data.train_size", "400", "--data.test_size", "130"]
    else:
        small = [*SMALL, "--data.root", str(letter_files)]
    assert main(["fit", *files, *small]) == 0


def test_the_paper_recipe_is_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    configs = REPOSITORY / "configs"
    with pytest.raises(SystemExit):
        main(
            [
                "fit",
                "--config",
                f"{configs}/mix_ent.yaml",
                "--config",
                f"{configs}/paper.yaml",
                "--print_config",
            ]
        )
    config = yaml.safe_load(capsys.readouterr().out)
    assert config["model"]["optimizer"] == {
        "class_path": "torch.optim.Adam",
        "init_args": config["model"]["optimizer"]["init_args"],
    }
    assert config["model"]["optimizer"]["init_args"]["lr"] == 0.005
    assert config["model"]["loss"]["class_path"].endswith("MixEntLoss")
    assert config["model"]["schedule"] is None
    assert config["data"]["class_path"].endswith("EMNIST")
    assert config["data"]["init_args"]["batch_size"] == 100
    assert config["data"]["init_args"]["mean"] == [0.1307]
    assert config["trainer"]["max_epochs"] == 200


@pytest.mark.parametrize(
    "swap",
    [
        ["--data", "FashionMNIST"],
        ["--data", "EMNIST", "--data.split", "balanced"],
        ["--data", "CIFAR10"],
        ["--model.net", "Timm", "--model.net.name", "resnet18"],
        ["--model.net", "Timm", "--model.net.name", "vit_tiny_patch16_224"],
        ["--data", "CIFAR10", "--model.net", "MLP"],
    ],
    ids=" ".join,
)
def test_data_and_network_are_swapped_with_one_word(
    swap: list[str], workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = workplace / "data"
    write_letters(root, train=520, test=130)
    write_split(root, "balanced", 47)
    write(root / "FashionMNIST" / "raw", packed=True)
    write_cifar(root, monkeypatch)
    small = [*SMALL, "--trainer.precision", "32-true", "--data.root", str(root)]
    assert main(["fit", "--config", str(REPOSITORY / "configs" / "mix_ent.yaml"), *swap, *small]) == 0
