"""Measures of a run: equal to the metrics of the same name, in the units of the tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from entreg.__main__ import main
from entreg.compare import Analysis, analyse, read_study
from entreg.compare.measures import correct_of, measure_of, measures_of
from entreg.compare.report import arms_sheet, refinement_sheet
from entreg.compare.result import read_result
from entreg.runs import read_predictions, write_predictions
from tests.compare.run_folders import write_run

AT_T = ("nll@T", "brier@T", "ce2@T", "smece@T")
KEYS = ["acc", "nll", "brier", "ce2", "smece", *AT_T, "nll-cal", "brier-cal", "auroc:noise"]


def test_values_are_those_of_the_evaluation(analysis: Analysis) -> None:
    result = analysis.study.results[0]
    found = measures_of(result)
    test = result.scores["test"]
    assert list(found) == KEYS
    assert found["acc"].value == pytest.approx(100 * test["acc"], rel=1e-12)
    for suffix, scores in (("", test), ("@T", test["scaled"])):
        assert found[f"nll{suffix}"].value == pytest.approx(scores["nll"], rel=1e-6)
        assert found[f"brier{suffix}"].value == pytest.approx(scores["brier"], rel=1e-6)
        assert found[f"smece{suffix}"].value == pytest.approx(100 * scores["smece"], rel=1e-6)
        assert found[f"ce2{suffix}"].value == pytest.approx(1e4 * scores["ece_debiased_squared"], rel=1e-9)
    assert found["auroc:noise"].value == pytest.approx(100 * result.scores["ood"]["noise"]["msp"]["auroc"], rel=1e-9)


@pytest.mark.parametrize("loss", ["nll", "brier"])
def test_refinement_and_calibration_add_up_to_the_loss(analysis: Analysis, loss: str) -> None:
    found = measures_of(analysis.study.results[0])
    whole, refinement, calibration = (found[key] for key in (loss, f"{loss}@T", f"{loss}-cal"))
    assert refinement.value + calibration.value == pytest.approx(whole.value, rel=1e-12)
    assert refinement.images + calibration.images == pytest.approx(whole.images, abs=1e-12)
    assert calibration.value > 0  # the logits of this run were multiplied by 1.5
    sheet = refinement_sheet(analysis)
    rows = [dict(zip(sheet.header, row, strict=True)) for row in sheet.rows if row[0] == "mix_ent"]
    difference = analysis.comparisons["nll-cal"]["mix_ent"].difference
    assert rows[0]["calibration from cross_entropy"].startswith(f"{difference:+.4f} (")


def test_contributions_are_the_variance_of_the_measure(analysis: Analysis) -> None:
    result = analysis.study.results[0]
    p = result.scores["test"]["acc"]
    images = measures_of(result)["acc"].images
    assert images @ images == pytest.approx(1e4 * p * (1 - p) / 399, rel=1e-9)
    assert images.sum() == pytest.approx(0, abs=1e-9)


def test_without_validation_nothing_is_at_t(tmp_path: Path) -> None:
    run = write_run(tmp_path, ood=False)
    run.predictions("val").unlink()
    assert list(measures_of(read_result(run.path))) == ["acc", "nll", "brier", "ce2", "smece"]


def test_where_t_is_undetermined_it_is_said_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [write_run(tmp_path, loss, seed, ood=False) for loss in ("cross_entropy", "mix_ent") for seed in (0, 1)]
    for run in runs:
        arrays = read_predictions(run.predictions("val"))
        logits = torch.from_numpy(arrays["logits"])
        write_predictions(run.predictions("val"), logits, logits.argmax(1), torch.from_numpy(arrays["ids"]))
    folders = [str(run.path) for run in runs]
    assert main(["compare", *folders]) == 0
    said = "nothing is compared at T, which is undetermined (no predictions on validation, or all of them right) in all"
    assert said in capsys.readouterr().out.replace("\n", " ")
    found = analyse(read_study(folders))
    assert arms_sheet(found).footnote.startswith(
        "- : T is undetermined without predictions on validation, or where all"
    )
    assert refinement_sheet(found).rows == []
    assert main(["compare", *folders, "--metric", "nll-cal"]) == 2
    assert "; nothing is compared at T, which is undetermined" in capsys.readouterr().err


def test_correct_images_are_counted(analysis: Analysis) -> None:
    result = analysis.study.results[0]
    correct = correct_of(result)
    assert correct.dtype == np.bool_
    assert (~correct).sum() == result.scores["test"]["errors"]


@pytest.mark.parametrize(
    ("key", "label", "higher"),
    [("acc", "accuracy %", True), ("nll@T", "NLL at T", False), ("auroc:kmnist", "AUROC of kmnist %", True)],
)
def test_measures_are_found_by_key(key: str, label: str, higher: bool) -> None:
    measure = measure_of(key)
    assert (measure.label, measure.higher_is_better) == (label, higher)


@pytest.mark.parametrize("key", ["f1", "auroc:", "noise"])
def test_an_unknown_measure_is_a_key_error(key: str) -> None:
    with pytest.raises(KeyError):
        measure_of(key)
