"""Reading runs: what is an arm, what is left out and said so, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from entreg.compare.study import read_study
from entreg.errors import RunError
from entreg.runs import write_predictions
from tests.compare.run_folders import write_run, write_study


def test_runs_of_one_arm_are_its_seeds_in_order(tmp_path: Path) -> None:
    study = read_study(reversed(write_study(tmp_path)))
    assert sorted(study.arms) == ["cross_entropy", "min_ent", "mix_ent"]
    for arm in study.arms.values():
        assert [result.seed for result in arm] == [0, 1, 2]
    assert set(study.differences) == {"model.loss.class_path"}
    assert study.differences["model.loss.class_path"]["min_ent"] == "entreg.losses.MinEntLoss"
    assert len(study.results) == 9
    assert study.notes == ()


def test_arms_of_one_loss_are_named_by_what_differs(tmp_path: Path) -> None:
    study = read_study([write_run(tmp_path, "mix_ent", 0, loss_lr=rate).path for rate in (0.1, 0.001)])
    assert sorted(study.arms) == ["mix_ent loss_lr=0.001", "mix_ent loss_lr=0.1"]
    assert study.differences == {"model.loss_lr": {"mix_ent loss_lr=0.1": 0.1, "mix_ent loss_lr=0.001": 0.001}}


def test_an_arm_is_found_by_its_loss_or_hash(tmp_path: Path) -> None:
    study = read_study(write_study(tmp_path, 1))
    assert study.label_of("cross_entropy") == "cross_entropy"
    assert study.label_of(study.arms["mix_ent"][0].config_hash[:8]) == "mix_ent"


def test_an_arm_that_is_not_there_or_not_one_is_a_run_error(tmp_path: Path) -> None:
    study = read_study([write_run(tmp_path, "mix_ent", 0, loss_lr=rate).path for rate in (0.1, 0.001)])
    with pytest.raises(RunError, match="baseline 'nothing': no arm of that name, expected one of mix_ent loss_lr"):
        study.label_of("nothing")
    with pytest.raises(RunError, match="baseline 'mix_ent': several arms of that name"):
        study.label_of("mix_ent")


def test_training_data_that_differ_are_a_difference(tmp_path: Path) -> None:
    folders = write_study(tmp_path, 1)
    summary = json.loads((folders[0] / "summary.json").read_text())
    summary["data"]["train"] = "other"
    (folders[0] / "summary.json").write_text(json.dumps(summary))
    assert "training data (fingerprint)" in read_study(folders).differences


def test_seeds_of_an_arm_with_other_training_data_are_noted(tmp_path: Path) -> None:
    folders = write_study(tmp_path, 2)
    summary = json.loads((folders[0] / "summary.json").read_text())
    summary["data"]["train"] = "other"
    (folders[0] / "summary.json").write_text(json.dumps(summary))
    assert read_study(folders).notes == (
        "the seeds of cross_entropy were not trained on the same data (fingerprints differ)",
    )


def test_of_two_runs_with_one_seed_the_later_counts(tmp_path: Path) -> None:
    first = write_run(tmp_path / "a", seed=1)
    second = write_run(tmp_path / "b", seed=1, skill=5.0)
    study = read_study([second.path, first.path])
    assert [result.run.path for result in study.results] == [second.path.resolve()]
    assert study.notes[0].startswith(f"left out: {first.path}")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (
            lambda run: run.predictions("test").unlink(),
            "holds no predictions/test.npz; finish it with entreg fit --run",
        ),
        (lambda run: run.predictions("test").write_bytes(b"PK torn"), "is not a file of predictions"),
        (lambda run: run.summary.write_text('{"arm": "1234"'), "cannot be read"),
        (lambda run: run.summary.write_text("{}"), "has no 'seed', so training did not end"),
        (lambda run: run.summary.unlink(), "has no 'seed', so training did not end"),
        (lambda run: run.config.write_text(""), "config.yaml names no loss"),
        (lambda run: run.config.write_text("seed_everything: 1"), "config.yaml names no loss"),
        (lambda run: run.config.unlink(), "is not a run folder"),
        (lambda run: run.config.write_text("model: ["), "cannot be read"),
        (
            lambda run: write_predictions(
                run.predictions("test"), torch.full((9, 5), torch.nan), torch.zeros(9), torch.arange(9)
            ),
            "the logits of 9 of 9 samples are NaN or infinite",
        ),
        (
            lambda run: write_predictions(run.predictions("test"), torch.zeros(9), torch.zeros(9), torch.arange(9)),
            "is not a file of predictions",
        ),
    ],
)
def test_what_is_half_written_foreign_or_diverged_is_left_out_and_said_so(spoil, reason: str, tmp_path: Path) -> None:
    kept, spoilt = write_run(tmp_path / "kept"), write_run(tmp_path / "spoilt", seed=1)
    spoil(spoilt)
    study = read_study([kept.path, spoilt.path])
    assert [result.run.path for result in study.results] == [kept.path.resolve()]
    (note,) = study.notes
    assert note.startswith("left out: ")
    assert reason in note
    assert "\n" not in note
    with pytest.raises(RunError, match="no finished run to compare"):
        read_study([spoilt.path])


def test_no_runs_are_an_error_that_says_what_to_do() -> None:
    with pytest.raises(RunError, match=r"no finished run to compare; train some with entreg fit"):
        read_study([])


@pytest.mark.parametrize(("images", "test_seed", "what"), [(400, 5, "other labels"), (390, 0, "other images")])
def test_runs_of_another_test_set_are_refused(images: int, test_seed: int, what: str, tmp_path: Path) -> None:
    first = write_run(tmp_path)
    other = write_run(tmp_path, seed=1, images=images, test_seed=test_seed)
    with pytest.raises(RunError, match=f"{other.path} was tested on .*{what}.* than {first.path}"):
        read_study([first.path, other.path])
