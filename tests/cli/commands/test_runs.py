from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from entreg.__main__ import main
from entreg.runs import read_summary, write_summary
from tests.compare.run_folders import write_run


def test_each_run_is_a_line_with_what_it_is_and_how_far_it_came(tmp_path: Path, capsys) -> None:
    done, begun, torn = (write_run(tmp_path, loss) for loss in ("cross_entropy", "mix_ent", "min_ent"))
    scores = {"acc": 0.9123, "errors": 35, "n": 400, "ece": 0.021}
    write_summary(done, {**read_summary(done), "finished": True, "test": scores})
    begun.summary.unlink()
    torn.config.write_text("model: [")
    (tmp_path / "notes").mkdir()
    assert main(["runs", str(tmp_path)]) == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert header.split("  ")[0] == "run"
    scored = ["91.23%", "35", "of", "400", "2.10%"]
    *words, age, unit = lines[0].split()
    assert words == [done.path.name, "cross_entropy", "-", "Strokes", "0", "3", *scored, "finished"]
    assert int(age) < 60
    assert unit in ("s", "min")
    assert lines[1].split() == [torn.path.name, *"--------", *lines[1].split()[9:]]
    assert f"cannot be read: {torn.config}: is damaged" in lines[1]
    assert lines[2].split()[:-2] == [begun.path.name, "mix_ent", "-", "Strokes", "0", *"----", "unfinished"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs of two losses, of which one has no scores; to be read only."""
    folder = tmp_path_factory.mktemp("runs")
    written = [write_run(folder, "mix_ent", 1), write_run(folder, "mix_ent", 2), write_run(folder, "min_ent", 3)]
    for run, accuracy in zip(written[:2], (0.8, 0.9), strict=True):
        write_summary(run, {**read_summary(run), "test": {"acc": accuracy, "errors": 1, "n": 9, "ece": 1 - accuracy}})
    config = yaml.safe_load(written[2].config.read_text())
    config["model"]["net"] = {"class_path": "entreg.models.Timm", "init_args": {"name": "resnet18"}}
    config["data"] = {"class_path": "entreg.data.EMNIST", "init_args": {"split": "letters"}}
    written[2].config.write_text(yaml.safe_dump(config))
    return folder


@pytest.mark.parametrize(
    ("options", "seeds"),
    [
        (["--sort", "accuracy"], [2, 1, 3]),
        (["--sort", "ece", "--filter", "loss=mix_ent"], [2, 1]),
        (["--filter", "data=LETTERS", "net=resnet*"], [3]),
        (["--filter", "loss=m*_ent", "seed=1"], [1]),
        (["--filter", "loss=m*_ent", "--filter", "seed=1"], [1]),
        (["--filter", "loss=mae"], []),
    ],
)
def test_runs_are_filtered_sorted_and_read_by_programs(options, seeds: list[int], runs: Path, capsys) -> None:
    assert main(["runs", str(runs), "--json", *options]) == 0
    assert [entry["seed"] for entry in json.loads(capsys.readouterr().out)] == seeds


def test_a_filter_of_no_key_is_said(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", str(runs), "--filter", "los=mae"]) == 2
    assert "--filter los=mae: expected KEY=VALUE with a key of run, loss, net" in capsys.readouterr().err


def test_a_folder_without_runs_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", str(tmp_path)]) == 1
    assert "holds no run folder" in capsys.readouterr().err
