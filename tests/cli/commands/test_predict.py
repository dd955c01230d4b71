"""entreg predict --images: the run's own predictions, from the run folder alone."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from entreg.__main__ import main
from entreg.runs import Run, read_predictions, read_summary, write_summary
from tests.data.images.test_pictures import an_l, saved


def test_letters_are_classified_into_a_table(finished: Run, workplace: Path, capsys) -> None:
    (workplace / "mine").mkdir()
    for name in ("one.png", "two.png"):
        saved(an_l(), workplace / "mine" / name)
    assert main(["predict", "--run", str(finished.path), "--images", "mine", "--out", "found.csv"]) == 0
    table = pd.read_csv("found.csv")
    assert list(table.columns) == ["file", "class", "confidence", "entropy", "confidence_at_T", "error"]
    assert table.error.isna().all()
    assert table.file.tolist() == ["mine/one.png", "mine/two.png"]
    assert table["class"].str.fullmatch("[a-z]").all()
    assert table.confidence.between(1 / 26, 1).all()
    assert table.entropy.between(0, np.log(26)).all()
    assert table.iloc[0, 1:].equals(table.iloc[1, 1:])
    assert "2 pictures: found.csv" in capsys.readouterr().out


def test_test_images_get_the_predictions_of_the_test(workplace: Path, monkeypatch, fit) -> None:
    from tests.data.images.picture_files import write_folder

    root = write_folder(workplace / "pictures")
    options = ["--data", "ImageFolder", "--data.root", str(root), "--data.batch_size", "4", "--model.net", "MLP"]
    options += ["--data.fit", "crop"]  # the pictures are no squares
    tail = ["--model.loss", "mix_ent", "--trainer.max_epochs", "1", "--trainer.logger", "false"]
    assert main(["fit", *options, *tail, "--trainer.precision", "32-true", "--trainer.accelerator", "cpu"]) == 0
    (folder,) = Path("runs").glob("*")
    predictions = read_predictions(folder / "predictions" / "test.npz")
    assert main(["predict", "--run", str(folder), "--images", str(root / "test")]) == 0
    table = pd.read_csv(folder / "predictions" / "images.csv")
    logits = predictions["logits"]
    assert table["class"].tolist() == [("cat", "dog")[k] for k in logits.argmax(1)]
    p = np.exp(logits - logits.max(1, keepdims=True))
    assert table.confidence.to_numpy() == pytest.approx((p / p.sum(1, keepdims=True)).max(1), abs=1e-5)


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--images", "nowhere"], 1, "nowhere: is not there"),
        (["--images", "torn.png"], 1, "torn.png: is not a whole image file"),
        (["--images", "."], 1, "replace or remove it; nor could any other of 2 pictures be read"),
        (["--images", "torn.png", "--polarity", "odd"], 2, "got odd, expected one of auto, dark, light"),
    ],
)
def test_what_cannot_be_classified_is_one_line(options, code, message, finished: Run, workplace: Path, capsys) -> None:
    (workplace / "torn.png").write_bytes(b"not a picture")
    (workplace / "torn2.png").write_bytes(b"")
    assert main(["predict", "--run", str(finished.path), "--out", "found.csv", *options]) == code
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not Path("found.csv").exists()


def test_a_picture_that_cannot_be_read_costs_its_row(finished: Run, workplace: Path, capsys) -> None:
    mine = workplace / "mine"
    mine.mkdir()
    for name in ("a.png", os.fsdecode(b"b\xff\n.png"), "c.png"):
        saved(an_l(), mine / name)
    (mine / "b.png").write_bytes(b"torn")
    (mine / "._a.png").write_bytes(b"what macOS leaves")
    assert main(["predict", "--run", str(finished.path), "--images", "mine", "--out", "found.csv"]) == 0
    table = pd.read_csv("found.csv")
    assert table.file.tolist() == ["mine/a.png", "mine/b.png", r"mine/b\udcff\n.png", "mine/c.png"]
    assert table.error.notna().tolist() == table["class"].isna().tolist() == [False, True, False, False]
    assert table.error[1].startswith("is not a whole image file")
    said = capsys.readouterr()
    assert said.err.startswith("entreg: mine/b.png: is not a whole image file")
    assert said.err.count("\n") == 1
    assert said.out.endswith("4 pictures, 1 of them unreadable: found.csv\n")


def test_a_run_that_is_not_finished_is_one_line(finished_copy: Run, workplace: Path, capsys) -> None:
    run = finished_copy
    saved(Image.new("L", (9, 9)), workplace / "a.png")
    run.summary.unlink()
    capsys.readouterr()
    assert main(["predict", "--run", str(run.path), "--images", "a.png"]) == 1
    assert "summary.json does not say what the run was trained on" in capsys.readouterr().err


def test_the_confidence_at_t_is_that_of_logits_divided_by_it(finished_copy: Run, workplace: Path) -> None:
    write_summary(finished_copy, {**read_summary(finished_copy), "temperature": 1e9})
    saved(an_l(), workplace / "a.png")
    assert main(["predict", "--run", str(finished_copy.path), "--images", "a.png", "--out", "found.csv"]) == 0
    assert pd.read_csv("found.csv").confidence_at_T.item() == pytest.approx(1 / 26, abs=1e-6)


def test_what_is_no_file_is_not_replaced_and_nothing_is_read_for_it(finished, workplace: Path, capsys) -> None:
    os.mkfifo("pipe")
    for out in ("pipe", "/dev/null", "."):
        assert main(["predict", "--run", str(finished.path), "--images", "absent", "--out", out]) == 1
        assert "cannot be written, it is a" in capsys.readouterr().err
    assert Path("pipe").is_fifo()
