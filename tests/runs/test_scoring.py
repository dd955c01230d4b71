"""What a run's predictions say: computed from the folder, as it is and at the fitted temperature."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from entreg.errors import RunError
from entreg.metrics import fit_temperature, scores_of
from entreg.runs import Run, write_predictions
from entreg.runs.scoring import evaluate_predictions, flatten


def predictions(run: Run, name: str, n: int = 300, classes: int = 4, scale: float = 3.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(len(name))
    logits = scale * torch.randn(n, classes, generator=generator)
    targets = torch.where(torch.rand(n, generator=generator) < 0.7, logits.argmax(1), 0)
    write_predictions(run.predictions(name), logits, targets, torch.arange(n))
    return logits


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = Run(tmp_path / "run-1234")
    for name in ("val", "test", "shift-letters", "corrupt-motion-blur-1", "corrupt-motion-blur-2", "ood-kmnist"):
        predictions(run, name)
    return run


def test_every_file_is_scored_as_it_is_and_at_the_temperature_of_validation(run: Run) -> None:
    found = evaluate_predictions(run)
    arrays = {name: np.load(run.predictions(name)) for name in ("val", "test")}
    logits, targets = (torch.from_numpy(arrays["val"][key]) for key in ("logits", "targets"))
    assert found["temperature"] == fit_temperature(logits, targets)
    assert found["temperature"] > 1.5  # they are overconfident by design
    logits, targets = (torch.from_numpy(arrays["test"][key]) for key in ("logits", "targets"))
    assert found["test"]["nll"] == scores_of(logits, targets)["nll"]
    assert found["test"]["scaled"]["nll"] == scores_of(logits.double() / found["temperature"], targets)["nll"]
    assert found["test"]["scaled"]["nll"] < found["test"]["nll"]
    assert found["test"]["scaled"]["errors"] == found["test"]["errors"]
    assert isinstance(found["test"]["errors"], int)
    assert set(found["shift"]) == {"letters"}
    assert list(found["corrupt"]["motion-blur"]) == ["1", "2"]
    assert json.loads(json.dumps(found)) == found


def test_other_classes_are_told_from_test(run: Run) -> None:
    inside = torch.from_numpy(np.load(run.predictions("test"))["logits"])
    outside = torch.from_numpy(np.load(run.predictions("ood-kmnist"))["logits"])
    found = evaluate_predictions(run)["ood"]["kmnist"]
    labels = np.r_[np.ones(300), np.zeros(300)]
    scores = torch.cat([inside, outside]).double()
    assert found["max_logit"]["auroc"] == pytest.approx(roc_auc_score(labels, scores.amax(1)), abs=1e-12)
    assert found["energy"]["auroc"] == pytest.approx(roc_auc_score(labels, scores.logsumexp(1)), abs=1e-12)
    assert found["scaled"]["max_logit"]["auroc"] == pytest.approx(found["max_logit"]["auroc"], abs=1e-12)
    assert found["scaled"]["energy"]["auroc"] != found["energy"]["auroc"]
    assert found["n"] == 300


def test_lookalikes_are_left_out_of_a_second_account(run: Run) -> None:
    targets = np.load(run.predictions("ood-kmnist"))["targets"]
    found = evaluate_predictions(run, {"kmnist": {"lookalikes": [0, 2], "near": True}})["ood"]
    assert set(found) == {"kmnist", "kmnist-distinct"}
    assert found["kmnist"]["near"]
    assert found["kmnist-distinct"]["near"]
    assert found["kmnist-distinct"]["n"] == int((~np.isin(targets, (0, 2))).sum())
    assert set(evaluate_predictions(run, {"other": {"lookalikes": [0]}})["ood"]) == {"kmnist"}


def test_without_validation_nothing_is_scaled(run: Run) -> None:
    run.predictions("val").unlink()
    found = evaluate_predictions(run)
    assert "temperature" not in found
    assert "scaled" not in found["test"]
    assert "scaled" not in found["ood"]["kmnist"]


def test_where_validation_is_all_right_there_is_no_temperature(run: Run) -> None:
    logits = predictions(run, "val")
    write_predictions(run.predictions("val"), logits, logits.argmax(1), torch.arange(len(logits)))
    found = evaluate_predictions(run)
    assert found["val"]["errors"] == 0
    assert "temperature" not in found
    assert "scaled" not in found["test"]


def test_where_no_other_class_has_a_larger_logit_the_temperature_is_undetermined(run: Run) -> None:
    tied = torch.tensor([[2.0, 2.0], [3.0, 1.0]])  # float16 rounds logits to ties; T -> 0 loses nothing
    write_predictions(run.predictions("val"), tied, torch.tensor([1, 0]), torch.arange(2))
    found = evaluate_predictions(run)
    assert found["val"]["errors"] == 1
    assert "temperature" not in found


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_logits_of_a_diverged_run_are_one_line(run: Run, bad: float) -> None:
    logits = torch.zeros(10, 4)
    logits[3, 1] = bad
    write_predictions(run.predictions("test"), logits, torch.zeros(10, dtype=torch.long), torch.arange(10))
    with pytest.raises(RunError, match="logits of 1 of 10 samples are NaN or infinite") as caught:
        evaluate_predictions(run)
    assert "\n" not in str(caught.value)


def test_a_folder_without_predictions_says_nothing(tmp_path: Path) -> None:
    assert evaluate_predictions(Run(tmp_path)) == {}


def test_files_that_are_no_evaluation_set_are_not_scored(run: Run) -> None:
    expected = evaluate_predictions(run)
    for name in ("train", "test-2", "corrupt-blur"):
        predictions(run, name)
    assert evaluate_predictions(run) == expected


def test_calibration_errors_have_the_bins_asked_for(run: Run) -> None:
    logits, targets = (torch.from_numpy(np.load(run.predictions("test"))[key]) for key in ("logits", "targets"))
    found = evaluate_predictions(run, bins=4)
    scaled = logits.double() / found["temperature"]
    assert found["test"]["ece"] == scores_of(logits, targets, 4)["ece"] != scores_of(logits, targets)["ece"]
    assert found["test"]["scaled"]["ece"] == scores_of(scaled, targets, 4)["ece"]


def test_flattened_scores_keep_their_numbers() -> None:
    assert flatten({"a": {"b": 1, "c": {"d": 2.5}}, "e": "text"}) == {"a/b": 1, "a/c/d": 2.5}
