from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from entreg.__main__ import main
from entreg.cli.shorthand import expand
from entreg.errors import ConfigError, RunError
from entreg.runs import open_run, read_config
from tests.runs.test_experiment import CONFIG


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--model.loss", "mix_ent"], ["--model.loss", "entreg.losses.MixEntLoss"]),
        (["--model.loss", "MixEntLoss"], ["--model.loss", "entreg.losses.MixEntLoss"]),
        (["--model.loss", "CrossEntropyLoss"], ["--model.loss", "entreg.losses.CrossEntropyLoss"]),
        (["--model.loss=mix_ent"], ["--model.loss=entreg.losses.MixEntLoss"]),
        (["--model.net", "MLP"], ["--model.net", "entreg.models.MLP"]),
        (["--model.net", "my_nets.MLP"], ["--model.net", "my_nets.MLP"]),
        (["--model.loss.eps=-1"], ["--model.loss.eps=-1"]),
        (["--data", "letters"], ["--data", "entreg.data.EMNIST", "--data.split=letters"]),
        (
            ["--data=emnist_mnist", "--data.root", "d"],
            ["--data=entreg.data.EMNIST", "--data.split=mnist", "--data.root", "d"],
        ),
        (["--data", "strokes"], ["--data", "entreg.data.Strokes"]),
        (["--data", "ImageFolder"], ["--data", "ImageFolder"]),
    ],
)
def test_names_become_class_paths(options: list[str], expected: list[str]) -> None:
    assert expand(["fit", *options]) == ["fit", *expected]


def test_class_paths_and_other_options_stay() -> None:
    args = ["fit", "--config", "a.yaml", "--model.loss", "my_file.MyLoss", "--model.loss.scale", "3"]
    assert expand(args) == args


def test_run_becomes_the_first_config(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("{model: {}, data: {}}")
    prepared = expand(["test", "--run", str(tmp_path)])
    assert prepared == ["test", "--config", str(tmp_path / "config.yaml"), "--run", str(tmp_path)]


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is not a run folder"):
        expand(["test", "--run", str(tmp_path)])


@pytest.mark.parametrize("keyword", ["best", "last", "hpc"])
def test_checkpoint_keywords_name_run_instead(keyword: str) -> None:
    with pytest.raises(ConfigError, match="--run runs/<id>"):
        expand(["fit", "--config", "a.yaml", "--ckpt_path", keyword])


def test_an_unknown_loss_is_answered_with_close_ones() -> None:
    with pytest.raises(ConfigError, match="did you mean 'mix_ent'"):
        expand(["fit", "--model.loss", "mixent"])


@pytest.mark.parametrize("command", [["--run", "runs/old-1"], ["--run", "runs/old-1", "--data.augment.degrees", "5"]])
def test_options_of_a_warp_without_its_class_are_read_where_another_is_the_default(
    command: list[str], workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = {key: value for key, value in CONFIG["data"]["init_args"].items() if key not in ("split", "upright")}
    old = {**CONFIG, "data": {"class_path": "entreg.data.CIFAR10", "init_args": arguments}}
    folder = Path("runs/old-1")
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(old))
    with pytest.raises(SystemExit):
        main(["fit", *command, "--print_config"])
    data = yaml.safe_load(capsys.readouterr().out)["data"]
    degrees = 5.0 if len(command) > 2 else 10.0
    assert data["class_path"] == "entreg.data.CIFAR10"
    assert data["init_args"]["augment"] == {
        "class_path": "entreg.data.Warp",
        "init_args": {"distortion": 0.5, "perspective_p": 0.5, "degrees": degrees},
    }
    assert read_config(open_run(folder))["data"]["init_args"]["augment"]["class_path"] == "entreg.data.Warp"
