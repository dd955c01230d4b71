"""Arms over several test sets: which are the same there, and what their scores are in."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from entreg.compare import analyse, read_studies
from entreg.compare.overall import Overall, overall
from entreg.errors import RunError
from tests.compare.run_folders import write_run


def of(folders: list[Path], metrics: tuple[str, ...] = ("acc", "nll")) -> list[Overall]:
    return overall({name: analyse(study, metrics=metrics) for name, study in read_studies(folders).items()})


def runs(root: Path, losses: dict[str, float], seeds: int = 2, **options: object) -> list[Path]:
    return [
        write_run(root, loss, seed, skill=skill, **options).path  # type: ignore[arg-type]
        for loss, skill in losses.items()
        for seed in range(seeds)
    ]


def test_arms_are_the_same_but_for_their_data(tmp_path: Path) -> None:
    both = {"cross_entropy": 2.0, "mix_ent": 1.2}
    first = runs(tmp_path / "a", both, images=200)
    second = runs(tmp_path / "b", {**both, "min_ent": 2.0}, 3, data="Digits", test_seed=5, images=300)
    for folder in second:  # another data set has another fingerprint
        summary = json.loads((folder / "summary.json").read_text())
        summary["data"]["train"] = "4567"
        (folder / "summary.json").write_text(json.dumps(summary))
    accuracy, nll = of([*first, *second])
    assert accuracy.baseline == "cross_entropy"
    assert list(accuracy.arms) == ["cross_entropy", "mix_ent"]
    assert list(accuracy.sets) == ["strokes", "digits"]
    assert accuracy.seeds == (2, 3)
    assert (accuracy.unit, nll.unit) == ("accuracy %", "NLL, % of guessing")
    assert [arm.rank.value for arm in nll.arms.values()] == [1, 2]
    assert nll.arms["mix_ent"].improvement is not None
    assert nll.arms["mix_ent"].improvement.value == 0
    (values,) = [study for name, study in read_studies(first).items() if name == "strokes"]
    told = analyse(values).values["nll"]["mix_ent"]
    assert nll.scores["mix_ent"][0] == pytest.approx([100 * value / math.log(5) for value in told])


def test_other_settings_make_another_arm(tmp_path: Path) -> None:
    first = runs(tmp_path / "a", {"cross_entropy": 2.0, "mix_ent": 1.2}, images=200)
    other = runs(tmp_path / "b", {"cross_entropy": 2.0}, data="Digits", test_seed=5)
    other += runs(tmp_path / "b", {"mix_ent": 1.2}, data="Digits", test_seed=5, loss_lr=0.1)
    with pytest.raises(RunError, match="not compared over all of strokes, digits: needs the baseline and another arm"):
        of([*first, *other])


def test_arms_on_one_data_set_may_differ_in_how_it_is_damaged(tmp_path: Path) -> None:
    folders = []
    for name, seed in (("Strokes", 0), ("Digits", 5)):
        for noise in (0.0, 0.2):
            folders += runs(tmp_path / name, {"mix_ent": 2 - noise}, 1, data=name, test_seed=seed, label_noise=noise)
    (accuracy,) = of(folders, ("acc",))
    assert list(accuracy.arms) == ["mix_ent (label_noise=0)", "mix_ent (label_noise=0.2)"]


def test_arms_that_differ_in_their_data_alone_are_not_one(tmp_path: Path) -> None:
    folders = runs(tmp_path / "a", {"cross_entropy": 2.0, "mix_ent": 1.2}, 1, data="Digits", test_seed=5)
    folders += runs(tmp_path / "b", {"cross_entropy": 2.0}, 1)
    other = runs(tmp_path / "c", {"cross_entropy": 2.0}, 1)[0]
    summary = json.loads((other / "summary.json").read_text())
    summary["data"]["train"] = "4567"
    (other / "summary.json").write_text(json.dumps(summary))
    with pytest.raises(RunError, match=r"cross_entropy \(training data 0123\) and cross_entropy .* nothing but data"):
        overall(
            {
                name: analyse(study, baseline=next(iter(study.arms)))
                for name, study in read_studies([*folders, other]).items()
            }
        )
