"""The letters that come with the package: small, as its card says, and tried at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import entreg
from entreg.__main__ import main
from entreg.data import Strokes
from entreg.inference import LETTERS
from entreg.runs import open_run, read_config, read_summary
from tests.data.images.test_pictures import an_l, saved

FILES = {"README.md", "config.yaml", "summary.json", "checkpoints/best.ckpt"}


def test_it_is_small_and_holds_nothing_but_what_inference_needs() -> None:
    files = [path for path in LETTERS.rglob("*") if path.is_file() and not path.name.startswith(".")]
    assert {path.relative_to(LETTERS).as_posix() for path in files} == FILES
    assert sum(path.stat().st_size for path in files) < 8e6


def test_its_card_says_what_its_summary_says() -> None:
    run, card = open_run(LETTERS), (LETTERS / "README.md").read_text()
    summary, config = read_summary(run), read_config(run)
    assert (summary["loss"], summary["net"], summary["data"]["name"]) == ("MixEntLoss", "VGG5", "EMNIST")
    for split in ("val", "test"):
        scores = summary[split]
        scaled = scores["scaled"]
        numbers = (
            f"{scores['errors']:,} of {scores['n']:,} | {scores['acc']:.2%} | {scores['nll']:.3f} | {scaled['nll']:.3f}"
        )
        assert f"| {numbers} | {scores['ece']:.2%} | {scaled['ece']:.2%} |" in card
    assert f"T = {summary['temperature']:.3f}" in card
    assert f"{config['trainer']['max_epochs']} epochs" in card
    assert f"seed {summary['seed']}" in card


def test_it_reads_letters_that_it_was_not_trained_on(strokes_root: Path, tmp_path: Path) -> None:
    data = Strokes(root=str(strokes_root), train_size=400, test_size=130)
    data.prepare_data()
    data.setup()
    ids = torch.arange(130)
    for number, picture in enumerate(data.pictures(ids)):
        Image.fromarray(picture).save(tmp_path / f"{number:03}.png")
    found = entreg.load().predict(tmp_path)
    drawn = np.array(data.classes)[data.test_set[ids].target]
    assert (found.classes == drawn).mean() > 0.5


def test_predict_takes_it_where_no_run_is_named(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved(an_l(), workplace / "a.png")
    assert main(["predict", "--images", "a.png"]) == 0
    assert capsys.readouterr().out.endswith("1 pictures: letters-vgg5.csv\n")
    assert pd.read_csv("letters-vgg5.csv")["class"].tolist() == ["l"]
