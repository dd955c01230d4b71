from __future__ import annotations

import re
from pathlib import Path

import pytest

from entreg.__main__ import main
from entreg.cli.layers import overridden, settings
from tests.conftest import REPOSITORY, TINY

PAPER, MIX = (REPOSITORY / "configs" / f"{name}.yaml" for name in ("paper", "mix_ent"))
FILES = {
    "a.yaml": "data: {class_path: EMNIST, init_args: {batch_size: 100}}\nmodel: {loss: MixEntLoss, loss_lr: 1e-3}",
    "b.yaml": "data: {init_args: {batch_size: 64}}\nmodel: {loss: {class_path: a.MinEntLoss}, loss_lr: 0.001}",
    "c.yaml": "data: part.yaml\nname: c.yaml",
    "part.yaml": "class_path: entreg.data.EMNIST\ninit_args: {batch_size: 32}",
    "d.yaml": "data: Strokes\nmodel: {loss_lr: 1}\nname: nothing.yaml",
}


def test_what_a_file_includes_is_set_by_it(tmp_path: Path) -> None:
    for name, content in FILES.items():
        (tmp_path / name).write_text(content)
    assert settings(tmp_path / "c.yaml") == {"data": "EMNIST", "data.batch_size": 32, "name": "c.yaml"}
    assert settings(MIX)["trainer.max_epochs"] == 10


def test_shipped_configs_say_what_one_changes_of_another_in_either_order() -> None:
    assert overridden([MIX, PAPER]) == [f"{PAPER} over {MIX}: trainer.max_epochs 10 -> 200"]
    assert overridden([PAPER, MIX]) == [f"{MIX} over {PAPER}: trainer.max_epochs 200 -> 10"]


@pytest.mark.parametrize(
    ("names", "lines"),
    [
        ("ab", ['b over a: data.batch_size 100 -> 64, model.loss "MixEntLoss" -> "MinEntLoss"']),
        ("ac", ["c over a: data.batch_size 100 -> 32"]),
        ("cb", ["b over c: data.batch_size 32 -> 64"]),
        (
            "acd",
            [
                "c over a: data.batch_size 100 -> 32",
                'd over c: data "EMNIST" -> "Strokes", name "c.yaml" -> "nothing.yaml"',
                "d over a: model.loss_lr 0.001 -> 1",
            ],
        ),
        ("aa", []),
    ],
)
def test_values_are_compared_as_the_parser_reads_them(names: str, lines: list[str], tmp_path: Path) -> None:
    for name, content in FILES.items():
        (tmp_path / name).write_text(content)
    found = overridden([tmp_path / f"{name}.yaml" for name in names])
    assert [re.sub(rf"{tmp_path}/(.)\.yaml", r"\1", line) for line in found] == lines


def test_fit_says_it_on_standard_error(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, epochs in (("a", 7), ("b", 1)):
        Path(f"{name}.yaml").write_text(f"trainer: {{max_epochs: {epochs}}}")
    assert main(["fit", "--config", "a.yaml", "--config", "b.yaml", *TINY, "--trainer.fast_dev_run", "true"]) == 0
    assert capsys.readouterr().err.splitlines()[0] == "b.yaml over a.yaml: trainer.max_epochs 7 -> 1"


def test_options_of_data_that_no_config_names_are_said_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", "--config", str(PAPER), "--config", str(MIX)]) == 2
    assert capsys.readouterr().err == (
        f"entreg: {PAPER}: sets options of data that no config before it names; lay it over one that does: "
        f"--config configs/mix_ent.yaml --config {PAPER}\n"
    )


@pytest.mark.parametrize("command", ["fit", "sweep"])
def test_a_file_that_is_no_yaml_is_named_with_the_place(
    command: str, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("outer.yaml").write_text("trainer: {max_epochs: 1}\nmodel: parts/broken.yaml")
    Path("parts").mkdir()
    Path("parts/broken.yaml").write_text("loss: {eps: [\n")
    for words in (["--config", "parts/broken.yaml"], ["--config=outer.yaml"]):
        assert main([command, *words]) == 2
        said = "entreg: parts/broken.yaml: line 2, column 1: did not find expected node content\n"
        assert capsys.readouterr().err == said
