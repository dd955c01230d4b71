from __future__ import annotations

from pathlib import Path

import pytest

from entreg.cli.summary import print_results
from entreg.runs import Run

SCORES = {"acc": 0.9484, "errors": 537, "n": 10400, "ece": 0.0123, "nll": 0.16, "brier": 0.08}


def test_the_table_says_scores_counts_and_where_everything_is(capsys: pytest.CaptureFixture[str]) -> None:
    summary = {"loss": "MixEntLoss", "data": {"name": "EMNIST"}, "test": SCORES}
    summary |= {"epochs": 4, "train_seconds": 700.0, "images_per_second": 620.4}
    print_results(summary, Run(Path("/somewhere/mix_ent-1")))
    printed = capsys.readouterr().out
    for words in ("MixEntLoss on EMNIST", "94.84%", "537 of 10400", "1.23%", "0.1600", "620 samples/s"):
        assert words in printed
    assert printed.splitlines()[-1] == "run folder: /somewhere/mix_ent-1"


def test_shifted_corrupted_and_other_sets_have_their_rows(capsys: pytest.CaptureFixture[str]) -> None:
    scaled = SCORES | {"scaled": SCORES | {"ece": 0.0045}}
    told = {"msp": {"auroc": 0.9123, "fpr95": 0.333}, "energy": {"auroc": 0.8765}, "overconfident": 0.123, "near": True}
    summary = {"loss": "MixEntLoss", "data": {"name": "EMNIST"}, "temperature": 1.2345, "test": scaled}
    summary |= {"shift": {"strokes": SCORES | {"acc": 0.5}}, "ood": {"digits-distinct": told}}
    summary |= {"corrupt": {"blur": {str(s): SCORES | {"acc": 1 - s / 10} for s in range(1, 6)}}}
    print_results(summary, Run(Path("/somewhere/mix_ent-1")))
    rows = [line.split() for line in capsys.readouterr().out.replace("│", " ").splitlines()]
    assert ["at", "T", "=", "1.23", "94.84%", "537", "of", "10400", "0.45%", "0.1600", "0.0800"] in rows
    assert ["shift", "strokes", "50.00%", "537", "of", "10400", "1.23%", "0.1600", "0.0800"] in rows
    assert ["blur", *" ".join(f"{100 - 10 * s}.0% (1.2%)" for s in range(1, 6)).split()] in rows
    assert ["digits-distinct", "(near)", "0.9123", "0.8765", "33.3%", "12.3%"] in rows


def test_without_results_only_the_folder_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    print_results({}, Run(Path("/somewhere/mix_ent-1")))
    assert capsys.readouterr().out == "run folder: /somewhere/mix_ent-1\n"


def test_it_is_said_when_nothing_was_written(capsys: pytest.CaptureFixture[str]) -> None:
    print_results({"test": SCORES}, None)
    printed = capsys.readouterr().out
    assert "94.84%" in printed
    assert printed.splitlines()[-1] == "nothing written"
