"""Arms compared as arrays: the numbers and words are those of run folders with the same predictions."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from entreg.compare import Analysis, Study, compare_arms, read_logits
from entreg.compare.report import verdict_sentences
from entreg.errors import ConfigError, DataError
from tests.compare.studies import assert_equal


def logits_of(study: Study, name: str) -> dict[str, list[np.ndarray]]:
    return {label: [read_logits(run, name)[0].numpy() for run in arm] for label, arm in study.arms.items()}


def targets_of(study: Study, name: str) -> np.ndarray:
    return read_logits(study.results[0], name)[1].numpy()


def test_arrays_say_what_run_folders_say(analysis: Analysis) -> None:
    study = analysis.study
    found = compare_arms(
        logits_of(study, "test"),
        targets_of(study, "test"),
        "cross_entropy",
        validation=(logits_of(study, "val"), targets_of(study, "val")),
        ood={"noise": logits_of(study, "ood-noise")},
    )
    assert_equal(found.analysis, analysis)
    assert found.sentences == verdict_sentences(analysis)
    assert found.outcomes == {"acc": {"min_ent": "undecided", "mix_ent": "worse"}}


@pytest.fixture
def arms() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {name: list(rng.normal(size=(3, 40, 4)) + shift) for name, shift in (("a", 0), ("b", np.eye(4)[0]))}


TARGETS = np.zeros(40, dtype=int)


def test_the_table_has_a_row_for_each_metric_and_arm_and_the_print_has_words(arms: dict[str, Any]) -> None:
    found = compare_arms(arms, torch.from_numpy(TARGETS), "a", metrics=["nll"])
    table = found.table().set_index(["metric", "arm"])
    assert len(table) == len(found.analysis.measures) * 2
    row, comparison = table.loc[("nll", "b")], found.analysis.comparisons["nll"]["b"]
    own = found.analysis.estimates["nll"]["b"]
    assert (row.difference_low, row.difference_high) == comparison.interval
    assert (row["mean"], row.low, row.high) == (own.mean, *own.interval)
    assert row.outcome == comparison.outcome == "better"
    assert np.isnan(table.loc[("nll", "a")].difference)
    assert table.loc[("acc", "b")].isna().outcome
    assert str(found).startswith("exploratory: ")
    assert found.sentences[1] in str(found)
    assert "Other measures, for reading. Against a" in str(found)


def test_seeds_may_have_names_and_runs_that_did_not_finish_count(arms: dict[str, Any]) -> None:
    unpaired = compare_arms({"a": arms["a"], "b": dict(enumerate(arms["b"], 7))}, TARGETS, "a")
    assert unpaired.analysis.comparisons["acc"]["b"].unpaired == (3, 3)
    lost = compare_arms({"a": arms["a"], "b": [None, *arms["b"][1:]]}, TARGETS, "a")
    assert lost.analysis.comparisons["acc"]["b"].n == 2
    assert "of b 2 of 3 seeds finished (1 unfinished); with the others counted as guessing: " in lost.sentences[1]


def test_half_precision_is_compared_in_single(arms: dict[str, Any]) -> None:
    half = {arm: [torch.from_numpy(run).bfloat16() for run in runs] for arm, runs in arms.items()}
    single = {arm: [run.float() for run in runs] for arm, runs in half.items()}
    assert_equal(compare_arms(half, TARGETS).analysis, compare_arms(single, TARGETS).analysis)


@pytest.mark.parametrize("of", [pd.DataFrame, np.ndarray.tolist, lambda run: run.astype(">f8"), torch.tensor])
def test_arrays_may_be_of_any_kind(of: Callable[[np.ndarray], Any], arms: dict[str, Any]) -> None:
    found = compare_arms({arm: [of(run) for run in runs] for arm, runs in arms.items()}, pd.Series(TARGETS))
    pd.testing.assert_frame_equal(found.table(), compare_arms(arms, TARGETS).table(), rtol=1e-5)
    backwards = {arm: [run[::-1] for run in runs] for arm, runs in arms.items()}
    assert compare_arms(backwards, TARGETS[::-1]).outcomes == found.outcomes


def without(arms: dict[str, Any], columns: int) -> dict[str, Any]:
    return {arm: [run[:, :-columns] for run in runs] for arm, runs in arms.items()}


BAD: dict[str, tuple[Callable[[dict[str, Any]], dict[str, Any]], type[Exception]]] = {
    "logits hold no arm": (lambda arms: {"logits": {}}, DataError),
    "expected logits by name of the arm": (lambda arms: {"logits": arms["a"]}, DataError),
    "arm 'a' has no logits": (lambda arms: {"logits": {**arms, "a": [None]}}, DataError),
    "test logits of 'b', seed 0: targets must be": (lambda arms: b(arms, arms["b"][0][:9]), DataError),
    "seed 0: shape (40, 3), expected (40, 4)": (lambda arms: b(arms, arms["b"][0][:, :3]), DataError),
    "'b', seed 0: logits must be finite": (lambda arms: b(arms, arms["b"][0] * np.nan), DataError),
    "its NLL is infinite": (lambda arms: b(arms, np.full((40, 4), [-np.inf, 0, 0, 0])), DataError),
    "must be floating point": (lambda arms: b(arms, np.ones((40, 4), dtype=int)), DataError),
    "test logits of 'b', seed 0: ": (lambda arms: b(arms, "x"), DataError),
    "targets must lie in 0..3": (lambda arms: {"targets": TARGETS + 9}, DataError),
    "no array of class indices": (lambda arms: {"targets": ["x"] * 40}, DataError),
    "val logits of 'b', seed 0: absent": (lambda arms: {"validation": ({"a": arms["a"]}, TARGETS)}, DataError),
    "ood-x logits of 'a', seed 0: 3 classes, expected 4": (lambda arms: {"ood": {"x": without(arms, 1)}}, DataError),
    "baseline 'c': expected one of the arms, a, b": (lambda arms: {"baseline": "c"}, ConfigError),
    "metric nll@T: expected one that every run has": (lambda arms: {"metrics": ["nll@T"]}, ConfigError),
    "margin of f1: expected a metric of acc, ": (lambda arms: {"margins": {"f1": 1.0}}, ConfigError),
    "margin of nll: no verdict is about it": (lambda arms: {"margins": {"nll": 1.0}}, ConfigError),
    "margin of acc: expected a number, got '1'": (lambda arms: {"margins": {"acc": "1"}}, ConfigError),
    "metrics acc, acc: one is named twice": (lambda arms: {"metrics": ["acc", "acc"]}, ConfigError),
    "1 of 40 targets are -100": (lambda arms: {"targets": np.where(np.arange(40) == 3, -100, TARGETS)}, DataError),
    "ood-x logits of 'c': no such arm on test, expected a, b": (
        lambda arms: {"ood": {"x": {**arms, "c": arms["a"]}}},
        DataError,
    ),
    "metrics 'acc': expected a list": (lambda arms: {"metrics": "acc"}, ConfigError),
    "bins 0: expected a whole number": (lambda arms: {"bins": 0}, ConfigError),
    "arm 0, expected a name": (lambda arms: {"logits": {0: arms["a"], 1: arms["b"]}}, DataError),
    "seed 's', expected a whole number": (lambda arms: {"logits": {**arms, "b": {"s": arms["b"][0]}}}, DataError),
    "ood-set: a name": (lambda arms: {"ood": {"": arms}}, DataError),
    "alpha 2.0: expected a level": (lambda arms: {"alpha": 2.0}, ValueError),
}


def b(arms: dict[str, Any], run: Any) -> dict[str, Any]:
    return {"logits": {**arms, "b": [run]}}


@pytest.mark.parametrize("said", BAD)
def test_bad_input_is_one_clear_error(said: str, arms: dict[str, Any]) -> None:
    change, error = BAD[said]
    with pytest.raises(error, match=re.escape(said)) as raised:
        compare_arms(**{"logits": arms, "targets": TARGETS, **change(arms)})
    assert "\n" not in str(raised.value)


def test_a_result_is_what_it_was(arms: dict[str, Any]) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        compare_arms(arms, TARGETS).analysis = None


@pytest.mark.long
def test_needs_neither_lightning_nor_a_drawing(tmp_path: Path) -> None:
    code = (
        "import sys; from entreg.compare import compare_arms; "
        "print({'lightning', 'torchvision', 'matplotlib', 'wandb', 'jsonargparse'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert found.stdout == "set()\n"
