"""Names as strangers give them reach every exit of the program: nothing there obeys them, and nothing fails."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
import torch
import yaml
from PIL import Image
from rich.console import Console

from entreg.__main__ import main
from entreg.cli.summary import print_results
from entreg.console import cell
from entreg.data import ImageFolder
from entreg.metrics import confusion_diagram, reliability_diagram
from entreg.runs import Run, read_summary, write_summary
from entreg.text import shown
from tests.compare.run_folders import write_run

NASTY = "_a[/b] [noise] \x1b[31m$\\frac{$ <b>|x\udcff"
SET = "[i]$\\frac{$\x1b"


@pytest.fixture
def nasty_runs(tmp_path: Path) -> list[str]:
    """Two arms whose losses and sets have such names."""
    runs = [write_run(tmp_path / "runs", loss, images=60) for loss in ("cross_entropy", "mix_ent")]
    for run in runs:
        for path in run.predictions("test").parent.glob("*-*.npz"):
            path.rename(path.with_name(path.name.replace("noise", SET)))
    config = yaml.safe_load(runs[1].config.read_text())
    config["model"]["loss"]["class_path"] = f"x.{NASTY}"
    runs[1].config.write_text(yaml.safe_dump(config))
    return [str(run.path) for run in runs]


@pytest.mark.long
def test_a_report_shows_them(nasty_runs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *nasty_runs, "--out", str(tmp_path / "report")]) == 0
    files = [path for path in (tmp_path / "report").rglob("*.*") if path.suffix != ".pdf"]
    texts = {path.suffix: path.read_text() for path in files} | {"": capsys.readouterr().out}
    assert set(texts) == {".md", ".tex", ".csv", ".json", ".html", ".svg", ""}
    assert not any("\x1b" in text for text in texts.values())
    assert f"{shown(NASTY)} against cross_entropy" in texts[""]
    assert r"\_a\[/b\] \[noise\]" in texts[".md"]
    assert "&lt;b&gt;|x" in texts[".html"]
    assert "<b>" not in texts[".html"]


def test_a_list_of_runs_shows_them(nasty_runs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", str(Path(nasty_runs[0]).parent)]) == 0
    printed = capsys.readouterr().out
    assert shown(NASTY) in printed
    assert "\x1b" not in printed


def test_a_table_shows_them(capsys: pytest.CaptureFixture[str]) -> None:
    print_results({"loss": NASTY, "data": {"name": NASTY}, "shift": {}, "test": _scores()}, None)
    assert shown(NASTY) in capsys.readouterr().out.replace("\n", "")
    file = io.StringIO()
    Console(file=file, width=200).print(cell("[noise]"))
    assert file.getvalue() == "[noise]\n"


def test_pictures_show_them() -> None:
    state = torch.tensor([[4.0, 6.0], [1.0, 5.0], [1.0, 5.0]])
    for figure in (
        confusion_diagram(torch.eye(2), ["$\\frac{$", NASTY], NASTY),
        reliability_diagram({NASTY: state, "T": state}, NASTY),
    ):
        figure.savefig(io.BytesIO(), format="svg")


def test_files_and_classes_may_have_any_name(
    finished_copy: Run, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for part in (b"train", b"test"):
        for name in (b"=caf\xe9", b"b"):
            folder = os.path.join(os.fsencode(workplace), b"scans", part, name)
            os.makedirs(folder)
            for i in range(4):
                with open(os.path.join(folder, b"%d\xff.png" % i), "wb") as file:
                    Image.linear_gradient("L").rotate(90 * i).save(file, "png")
    data = ImageFolder(str(workplace / "scans"), image_size=28, in_channels=1)
    data.setup()
    assert data.classes == (os.fsdecode(b"=caf\xe9"), "b")
    assert len(data.fingerprints["train"]) > 8

    write_summary(finished_copy, {**read_summary(finished_copy), "classes": [data.classes[0]] * 26})
    assert main(["predict", "--run", str(finished_copy.path), "--images", "scans", "--out", "out.csv"]) == 0
    assert r"3\udcff.png: =caf\udce9" in capsys.readouterr().out
    assert r"3\udcff.png,'=caf\udce9," in Path("out.csv").read_text()


def _scores() -> dict[str, float]:
    return {"acc": 0.5, "errors": 1, "n": 2, "ece": 0.1, "nll": 1.0, "brier": 0.5}
