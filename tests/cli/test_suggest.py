from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
import yaml

from entreg.__main__ import main
from entreg.cli.shorthand import expand
from entreg.cli.suggest import class_hint
from entreg.data.splits import split_validation
from entreg.errors import DataError

FIT = ["fit", "--data", "strokes", "--model.loss", "focal"]
TIMM = "--model.net Timm --model.net.name resnet18"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            [*FIT, "--model.net", "resnet18"],
            f"model.net: no class named resnet18 is known here, it is of timm: {TIMM}",
        ),
        ([*FIT, "--model.net", "VGG6"], "did you mean VGG5?"),
        ([*FIT, "--data", "EMNST"], "data: got 'EMNST', no class named EMNST is known here, did you mean EMNIST?"),
        ([*FIT, "--data.roott", "x"], "data: there is no option roott, did you mean root?"),
        ([*FIT, "--data.damage.lable_noise", "1"], "did you mean --damage.label_noise?"),
        ([*FIT, "--model.loss.gama", "1"], "model.loss: there is no option gama, did you mean gamma?"),
        ([*FIT, "--model.loss.zzz", "1"], "there is no option zzz, only gamma, ignore_index, "),
        ([*FIT, "--model.net.dropuot", "1"], "there is no option dropuot, did you mean dropout?"),
        ([*FIT, "--model.schedule", "OneCyle"], "did you mean OneCycle?"),
        ([*FIT, "--trainer.callbacks", "EarlyStoping"], "EarlyStoping is known here, did you mean EarlyStopping?"),
        ([*FIT, "--trainer.logger", "CSVLogger"], "the class needs more: --trainer.logger.save_dir VALUE"),
        ([*FIT, "--epochs", "3"], "there is no option --epochs, did you mean --trainer.max_epochs?"),
        ([*FIT, "--seed", "3"], "there is no option --seed, did you mean --seed_everything?"),
        ([*FIT, "--lr", "3"], "there is no option --lr, did you mean --model.optimizer.lr?"),
        ([*FIT, "--trainer.max_epoch", "3"], "did you mean --trainer.max_epochs?"),  # which no abbreviation stands for
        ([*FIT, "--model.optimizer", "SGD", "--model.optimizer.lr", "abc"], "lr: got 'abc', expected float"),
        (["sweep", "--data.root", "x"], "of entreg fit stand behind --, as in: -- --data.root VALUE"),
        (["fit", "configs/quickstart.yaml"], "did you mean --config configs/quickstart.yaml?"),
        (["fit", "--model.loss", "focal"], "--data must be given, here or in a config, as --config configs/quickstart"),
        (["data", "verify", "--data.root", "x"], "did you mean --root? See entreg data verify --help"),
        (["data", "verfy"], "got verfy, did you mean verify?"),
        (["compare", "a", "--bseline", "x"], "there is no option --bseline, did you mean --baseline?"),
        (["fitt"], "unknown command 'fitt', did you mean fit?"),
    ],
)
def test_a_mistake_on_the_command_line_says_what_was_meant(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (
            {"model": {"loss": "MixEntLoss", "loss_lrr": 1}},
            "no option model.loss_lrr, did you mean model.loss_lr?",
        ),
        ({"modle": {"loss": "MixEntLoss"}}, "there is no option modle.loss, did you mean model.loss?"),
        (
            {"model": {"loss": {"class_path": "MixEntLoss", "init_args": {"epps": 1}}}},
            "epps, did you mean eps?",
        ),
        ({"model": {"loss": "mix_ent"}}, "no class named mix_ent is known here, did you mean MixEntLoss?"),
        ({"data": "letters"}, "no class named letters is known here, did you mean EMNIST with split: letters?"),
        ({"data": {"class_path": "Strokes", "init_args": {"ood": "noise"}}}, "data: ood is a list: [noise]"),
    ],
)
def test_a_mistake_in_a_config_says_what_was_meant(
    config: dict[str, object], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"data": "Strokes", "model": {"loss": "MixEntLoss"}} | config))
    assert main(["fit", "--config", str(tmp_path / "mine.yaml")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_without_timm_it_is_said_how_to_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    assert class_hint("model.net", "resnet18") == (
        f"if it is a network of timm: pip install 'entreg[timm]', then {TIMM}; else give its path: module.resnet18"
    )
    assert class_hint("model.net", "LeNte") == "did you mean LeNet?"


def test_an_option_that_takes_a_list_takes_names_without_brackets() -> None:
    given = ["--data.ood", "noise", "--data.shift=emnist,usps", "--data.corruptions", "[all]", "--data.mean", "null"]
    assert expand(["fit", *given])[1:] == [
        *("--data.ood", "[noise]", "--data.shift=[emnist,usps]", "--data.corruptions", "[all]", "--data.mean", "null")
    ]


def test_data_of_a_single_class_are_refused_as_such() -> None:
    with pytest.raises(DataError, match="all 8 training samples are of one class, 0: a classifier needs two"):
        split_validation(torch.zeros(8, dtype=torch.long), torch.zeros(4, dtype=torch.long), seed=0)
