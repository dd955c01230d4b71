from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest

from entreg.compare import Analysis, analyse, convergence_of, read_study
from entreg.compare.report.numbers import as_csv, comparisons_table, runs_table


def test_every_run_is_a_row_of_what_it_is_and_of_all_its_scores(analysis: Analysis) -> None:
    table = runs_table(analysis, convergence_of(analysis.study)).set_index("run")
    results = analysis.study.results
    assert len(table) == len(results)
    for result in results:
        row = table.loc[result.run.path.name]
        assert (row["hash"], row["loss"], row["seed"]) == (result.arm, result.loss, result.seed)
        assert row["test/errors"] == result.scores["test"]["errors"]
        assert row["test/scaled/nll"] == result.scores["test"]["scaled"]["nll"]
        assert 0 < row["mean_val_acc"] < 1
    assert table["model.loss.class_path"].nunique() == len(analysis.study.arms)


def test_every_comparison_is_a_row_of_numbers(analysis: Analysis) -> None:
    table = comparisons_table(analysis)
    assert len(table) == sum(map(len, analysis.comparisons.values()))
    row = table[(table["arm"] == "mix_ent") & (table["measure"] == "acc")].iloc[0]
    found = analysis.comparisons["acc"]["mix_ent"]
    assert (row["baseline"], row["verdict"], row["pairs"]) == (analysis.baseline, "worse", 4)
    assert (row["low"], row["high"]) == found.interval
    assert row["difference"] == pytest.approx(found.difference)
    assert table.loc[~table["primary"], "verdict"].isna().all()


def test_pairs_of_arms_that_are_not_the_baseline_are_rows_too(analysis: Analysis) -> None:
    table = comparisons_table(analyse(analysis.study, all_pairs=True))
    pairs = set(zip(table["arm"], table["baseline"], strict=True))
    assert len(pairs) == len(analysis.study.arms) * (len(analysis.study.arms) - 1) / 2


def test_arms_of_other_seeds_are_rows_with_the_seeds_of_each(folders: list[Path]) -> None:
    table = comparisons_table(analyse(read_study(folders[1:]))).set_index(["arm", "measure"])
    assert table.loc[("mix_ent", "acc"), ["seeds", "seeds_of_baseline", "pairs"]].tolist() == [4, 3, 3]


def test_numbers_come_back_from_csv(analysis: Analysis) -> None:
    table = comparisons_table(analysis)
    again = pd.read_csv(io.StringIO(as_csv(table)))
    pd.testing.assert_frame_equal(again, table, check_dtype=False, rtol=1e-5)
