"""Each help page against a golden file; ENTREG_WRITE_HELP=1 pytest -n 0 tests/cli/test_help.py writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from entreg.__main__ import main
from tests.conftest import REPOSITORY

PAGES = Path(__file__).parent / "help"
COMMANDS = [
    *("fit", "validate", "test", "predict", "export", "sweep", "runs", "losses", "compare", "dashboard"),
    *("data", "data list", "data verify", "data prepare", "data show", "data shrink"),
]


def page(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 0
    said = capsys.readouterr()
    assert said.err == ""
    return said.out


@pytest.mark.parametrize("command", COMMANDS)
def test_a_page_is_as_it_was_read_last(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    found = page(capsys, *command.split(), "--help")
    golden = PAGES / f"{command.replace(' ', '-')}.txt"
    if os.environ.get("ENTREG_WRITE_HELP"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(found)
    assert found == golden.read_text()
    lines = found.splitlines()
    assert len(lines) < 150
    assert not any("`" in line or len(line) > 120 for line in lines)
    for option, following in zip(lines, [*lines[1:], ""], strict=True):
        if option.startswith("  ") and option[2] != " ":
            assert option[34:].strip() or following.startswith(" " * 34), f"{option} says nothing"


def test_the_page_of_a_config_has_the_options_of_what_it_names(capsys: pytest.CaptureFixture[str]) -> None:
    quickstart = str(REPOSITORY / "configs" / "quickstart.yaml")
    found = page(capsys, "fit", "--config", quickstart, "--model.net", "LeNet", "--model.loss=focal", "--help")
    for option in ("--data.root ", "--data.train_size ", "--model.loss.gamma ", "--model.net.dropout "):
        assert option in found
    assert "Options of the network LeNet:" in found
    assert len(found.splitlines()) < 150


@pytest.mark.parametrize("words", [["--help", "--data", "Vectors"], ["--data.help", "Vectors"]])
def test_data_that_need_a_root_are_explained_without_one(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    found = page(capsys, "fit", *words)
    assert "Options of the data set Vectors:" in found
    assert "--data.root ROOT                Folder or file. (required)" in found


def test_all_options_are_shown_on_demand_without_markup(capsys: pytest.CaptureFixture[str]) -> None:
    found = page(capsys, "fit", "--help-all")
    for option in ("--trainer.val_check_interval ", "--weights_only ", "--model.num_classes ", "--data.root "):
        assert option in found
    assert not any(noise in found for noise in ("`", ":class:", "torch.nn", "integer_seed", "subclass"))


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["--model.loss.help", "mix_ent"], "--model.loss.eps EPS "),
        (["--data.help=emnist"], "--data.split SPLIT "),
        (["--model.net.help", "vgg5"], "--model.net.dropout DROPOUT "),
        (["--model.optimizer.help", "AdamW"], "--model.optimizer.lr LR "),
    ],
)
def test_a_class_is_explained_by_any_of_its_names(
    words: list[str], option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = page(capsys, "fit", *words)
    assert option in found
    assert "--trainer" not in found
