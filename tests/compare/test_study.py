"""Reading runs: what is an arm, what is left out and said so, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from entreg.compare import Analysis, read_study
from entreg.errors import RunError
from entreg.runs import read_predictions
from tests.compare.run_folders import write_run


def test_runs_of_one_arm_are_its_seeds_in_order(folders: list[Path]) -> None:
    study = read_study([*reversed(folders), *folders])
    assert sorted(study.arms) == ["cross_entropy", "min_ent", "mix_ent"]
    for arm in study.arms.values():
        assert [result.seed for result in arm] == [0, 1, 2, 3]
    assert set(study.differences) == {"model.loss.class_path"}
    assert study.differences["model.loss.class_path"]["min_ent"] == "entreg.losses.MinEntLoss"
    assert len(study.results) == 12
    assert study.notes == ()


def test_arms_of_one_loss_are_named_by_what_differs(tmp_path: Path) -> None:
    study = read_study([write_run(tmp_path, "mix_ent", 0, loss_lr=rate).path for rate in (0.1, 0.001)])
    assert sorted(study.arms) == ["mix_ent (loss_lr=0.001)", "mix_ent (loss_lr=0.1)"]
    assert study.differences == {"model.loss_lr": {"mix_ent (loss_lr=0.1)": 0.1, "mix_ent (loss_lr=0.001)": 0.001}}
    assert study.premise == "the arms differ in loss_lr and in nothing else"


def test_an_arm_is_found_by_its_loss_or_hash(analysis: Analysis) -> None:
    study = analysis.study
    assert study.label_of("cross_entropy") == "cross_entropy"
    assert study.label_of(study.arms["mix_ent"][0].arm[:8]) == "mix_ent"


def test_an_arm_that_is_not_there_or_not_one_is_a_run_error(tmp_path: Path) -> None:
    study = read_study([write_run(tmp_path, "mix_ent", 0, loss_lr=rate).path for rate in (0.1, 0.001)])
    with pytest.raises(RunError, match=r"baseline 'nothing': no arm of that name, expected one of mix_ent \(loss_lr"):
        study.label_of("nothing")
    with pytest.raises(RunError, match="baseline 'mix_ent': several arms of that name"):
        study.label_of("mix_ent")


def with_data(folder: Path, **data: str) -> Path:
    summary = json.loads((folder / "summary.json").read_text())
    summary["data"] |= data
    (folder / "summary.json").write_text(json.dumps(summary))
    return folder


def test_training_data_that_differ_are_a_difference(tmp_path: Path) -> None:
    first, second = (write_run(tmp_path, loss).path for loss in ("cross_entropy", "mix_ent"))
    found = read_study([with_data(first, train="other"), second]).differences["training data (fingerprint)"]
    assert found == {"cross_entropy (training data other)": "other", "mix_ent (training data 0123)": "0123"}


def test_other_training_data_are_another_arm_and_replace_no_run(tmp_path: Path) -> None:
    folders = [write_run(tmp_path / root, seed=seed).path for root in ("a", "b") for seed in (0, 1)]
    study = read_study([*folders[:2], *(with_data(folder, train="other") for folder in folders[2:])])
    assert [[result.seed for result in arm] for arm in study.arms.values()] == [[0, 1], [0, 1]]
    assert list(study.differences) == ["training data (fingerprint)"]
    assert study.notes == ()


def test_a_copy_of_a_run_is_no_seed_of_its_own(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    study = read_study([run.path, shutil.copytree(run.path, tmp_path / "copy")])
    assert len(study.results) == 1
    assert study.notes[0].startswith("left out: ")


def with_summary(folder: Path, **content: object) -> Path:
    summary = folder / "summary.json"
    summary.write_text(json.dumps(json.loads(summary.read_text()) | content))
    return folder


def test_arms_that_were_not_trained_alike_are_named(tmp_path: Path) -> None:
    folders = [write_run(tmp_path, loss, seed).path for loss in ("cross_entropy", "min_ent") for seed in (0, 1)]
    for folder, torch, commit in zip(folders, ("2.4", "2.5", "2.5", "2.5"), "abcd", strict=True):
        with_summary(folder, versions={"torch": torch}, git_commit=commit, history=[{"step": 0, "device": "H100"}])
    assert read_study(folders).notes == (
        "cross_entropy and min_ent were not trained alike (commit a or b against c or d): a difference between them "
        "may come from there",
    )
    with_summary(folders[2], git_commit="a")
    assert read_study(folders).notes == ()
    with_summary(folders[1], versions={"torch": "2.4"})
    (said,) = read_study(folders).notes
    assert "(torch 2.4 against 2.5)" in said


def test_runs_that_were_trained_on_after_test_are_named(tmp_path: Path) -> None:
    first, second = (write_run(tmp_path, seed=seed).path for seed in (0, 1))
    with_summary(first, history=[{"step": 0}, {"step": 30, "test_seen": True}])  # nothing was left to train
    assert read_study([first, second]).notes == ()
    with_summary(first, history=[{"step": 0}, {"step": 20, "test_seen": True}])
    assert read_study([first, second]).notes == (f"trained on after the test set had been looked at: {first}",)


def test_a_run_that_is_trained_on_is_left_out_until_it_has_ended(tmp_path: Path) -> None:
    first, second = (write_run(tmp_path, seed=seed).path for seed in (0, 1))
    study = read_study([with_summary(first, finished=False), second])
    assert [result.run.path for result in study.results] == [second]
    assert study.notes == (f"left out: {first}: its training has not ended; finish it: entreg fit --run {first}",)


def test_test_sets_of_other_pixels_are_noted(tmp_path: Path) -> None:
    first, second = (with_data(write_run(tmp_path, seed=seed).path, pixels="one") for seed in (0, 1))
    assert read_study([first, second]).notes == ()
    (note,) = read_study([first, with_data(second, pixels="another")]).notes
    assert "not the same pixels" in note


def test_of_two_runs_with_one_seed_the_first_by_name_counts_whenever_it_was_written(tmp_path: Path) -> None:
    first = write_run(tmp_path / "a", seed=1)
    second = write_run(tmp_path / "b", seed=1, skill=5.0)
    for _ in range(2):
        study = read_study([second.path, first.path])
        assert [result.run.path for result in study.results] == [first.path.resolve()]
        assert study.notes[0].startswith(f"left out: {second.path} has the arm and seed 1 of {first.path}")
        first.summary.touch()


def test_predictions_in_another_order_are_of_the_same_samples(tmp_path: Path) -> None:
    one, other = (write_run(tmp_path, loss) for loss in ("cross_entropy", "mix_ent"))
    expected = read_predictions(other.predictions("test"))
    mixed = np.random.default_rng(0).permutation(len(expected["ids"]))
    np.savez(other.predictions("test"), **{key: array[mixed] for key, array in expected.items()})
    found = read_predictions(other.predictions("test"))
    assert all(np.array_equal(found[key], expected[key]) for key in expected)
    assert len(read_study([one.path, other.path]).arms) == 2


def test_what_is_not_finished_is_left_out_and_said_so(tmp_path: Path) -> None:
    kept, spoilt = write_run(tmp_path / "kept"), write_run(tmp_path / "spoilt", seed=1)
    spoilt.summary.unlink()
    study = read_study([kept.path, spoilt.path])
    assert [result.run.path for result in study.results] == [kept.path.resolve()]
    (note,) = study.notes
    assert note.startswith(f"left out: {spoilt.path.resolve()}: summary.json has no 'seed'")
    with pytest.raises(RunError, match="no finished run to compare"):
        read_study([spoilt.path])


def test_no_runs_are_an_error_that_says_what_to_do() -> None:
    with pytest.raises(RunError, match=r"no finished run to compare; train some with entreg fit"):
        read_study([])
