"""Reading one run: its scores are those of its own evaluation; what is half written, foreign or diverged is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml

from entreg.compare.result import read_result
from entreg.errors import RunError
from entreg.runs import Run, write_predictions
from entreg.runs.scoring import evaluate_predictions
from entreg.runs.set_name import SetKind, SetName
from tests.compare.run_folders import write_run

# Ten levels of ten references each: 330 bytes that stand for ten thousand million values.
_ALIASES = "a0: &a0 x\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 11))


def _predict(run: Run, logits: torch.Tensor, target: int = 0) -> None:
    targets = torch.full((len(logits),), target)
    write_predictions(run.predictions("test"), logits, targets, torch.arange(len(logits)))


@pytest.mark.parametrize(("bins", "expected"), [(None, 15), (7, 7)])
def test_scores_have_the_bins_of_the_run(bins: int | None, expected: int, tmp_path: Path) -> None:
    run = write_run(tmp_path, bins=bins)
    result = read_result(run.path)
    assert result.bins == expected
    assert result.scores == evaluate_predictions(run, bins=expected)


@pytest.mark.parametrize("bins", [0, "many"])
def test_bins_that_are_no_number_are_refused(bins: object, tmp_path: Path) -> None:
    run = write_run(tmp_path, ood=False)
    config = yaml.safe_load(run.config.read_text()) | {"metrics": {"bins": bins}}
    run.config.write_text(yaml.safe_dump(config))
    with pytest.raises(RunError, match=f"metrics.bins in config.yaml is {bins!r}, expected a number of 1 to 10,000"):
        read_result(run.path)


def test_sets_are_those_with_predictions_of_their_own(tmp_path: Path) -> None:
    result = read_result(write_run(tmp_path).path)
    result.scores["ood"]["noise-distinct"] = {}  # scores of a part of another set
    assert result.sets(SetKind.OOD) == [SetName(SetKind.OOD, "noise")]
    assert result.sets(SetKind.SHIFT) == []


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (
            lambda run: run.predictions("test").unlink(),
            "holds no predictions/test.npz; finish it with entreg fit --run",
        ),
        (lambda run: run.predictions("test").write_bytes(b"PK torn"), "is not a file of predictions"),
        (lambda run: run.summary.write_text('{"arm": "1234"'), "summary.json: is damaged, it is no JSON"),
        (lambda run: run.summary.write_text("null"), "holds NoneType, expected an object"),
        (lambda run: run.summary.write_text("[" * 3000), "it is nested too deeply"),
        (lambda run: run.summary.write_text('{"seed": ' + "9" * 5000 + "}"), "a number of 5000 digits"),
        (lambda run: run.summary.write_text('{"seed": null}'), "seed is null, expected a whole number"),
        (lambda run: run.summary.write_text('{"seed": 0, "ood_sets": {"noise": [1]}}'), 'ood_sets is {"noise": [1]}'),
        (lambda run: run.summary.write_text("{}"), "has no 'seed', so training did not end"),
        (lambda run: run.summary.unlink(), "has no 'seed', so training did not end"),
        (lambda run: run.config.write_text(""), "expected a mapping of sections"),
        (lambda run: run.config.write_text("{model: {}, data: {}}"), "config.yaml names no loss"),
        (lambda run: run.config.write_text("model:\ndata:"), "model is no mapping"),
        (lambda run: run.config.write_text(_ALIASES), "holds more than 100,000 values"),
        (lambda run: run.config.unlink(), "is not a run folder"),
        (lambda run: run.config.write_text("model: ["), "config.yaml: is damaged, it is no YAML"),
        (lambda run: _predict(run, torch.full((9, 5), torch.nan)), "the logits of 9 of 9 samples are NaN or infinite"),
        (lambda run: _predict(run, torch.zeros(9)), "is not a file of predictions"),
        (lambda run: _predict(run, torch.zeros(9, 5), target=5), "holds a target that is none of the 5 classes"),
        (lambda run: _predict(run, torch.zeros(1, 5)), "holds one sample"),
    ],
)
def test_what_is_half_written_foreign_or_diverged_is_refused_in_a_line(spoil, reason: str, tmp_path: Path) -> None:
    run = write_run(tmp_path, ood=False)
    spoil(run)
    with pytest.raises(RunError) as caught:
        read_result(run.path)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
