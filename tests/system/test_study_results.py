"""The results in the notebooks are those of the plans in the configs: every run of them, and no other."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pandas as pd
import pytest

from entreg.cli.commands.sweep import read_sweep
from tests.conftest import REPOSITORY

RESULTS = REPOSITORY / "notebooks" / "results"
SWEEPS = sorted((REPOSITORY / "configs" / "study").glob("*.yaml"))


@pytest.mark.parametrize(
    "path", [path for path in SWEEPS if (RESULTS / path.stem).is_dir()], ids=lambda path: path.stem
)
def test_every_run_of_a_plan_is_there_once(path: Path) -> None:
    sweep = read_sweep(["--config", str(path)])[0]
    assert sweep.plan is not None
    seeds = list(sweep.parameters["seed_everything"])
    cells = list(product(*(values for key, values in sweep.parameters.items() if key != "seed_everything")))
    assert sweep.plan.seeds == len(seeds)
    runs = pd.read_csv(RESULTS / path.stem / "runs.csv")
    assert sorted(runs.groupby("hash")["seed"].agg(sorted).tolist()) == [seeds] * runs["hash"].nunique()
    assert len(runs) == len(cells) * len(seeds)
    assert (runs["test/errors"] == (runs["test/n"] * (1 - runs["test/acc"])).round()).all()
    if "model.loss" in sweep.parameters:
        assert set(runs["loss"]) == set(sweep.parameters["model.loss"])


def test_no_result_lacks_its_plan() -> None:
    assert {path.name for path in RESULTS.iterdir()} <= {path.stem for path in SWEEPS}


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*/reliability.csv")), ids=lambda path: path.parent.name)
def test_the_bins_of_the_reliability_diagrams_hold_the_runs(path: Path) -> None:
    runs = pd.read_csv(path.with_name("runs.csv")).groupby("loss")[["test/n", "test/errors"]].sum()
    for _, bins in pd.read_csv(path).groupby("at"):
        held = bins.groupby("arm")[["count", "correct"]].sum()
        assert held["count"].to_dict() == runs["test/n"].to_dict()
        assert (held["count"] - held["correct"]).to_dict() == runs["test/errors"].to_dict()
