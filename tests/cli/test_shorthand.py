from __future__ import annotations

from pathlib import Path

import pytest

from entreg.cli.shorthand import expand
from entreg.errors import ConfigError, RunError


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
