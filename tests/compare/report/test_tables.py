"""One content in every format."""

from __future__ import annotations

import csv
from io import StringIO

import numpy as np
import pytest

from entreg.compare.analysis import Analysis, analyse
from entreg.compare.convergence import Convergence, convergence_of
from entreg.compare.curves import Curve
from entreg.compare.dynamics import Reached
from entreg.compare.report.tables import (
    Sheet,
    arms_sheet,
    convergence_sheet,
    differences_sheet,
    estimate_text,
    ood_sheet,
    p_value,
    power_sheet,
    secondary_sheet,
    verdicts_sheet,
)
from entreg.compare.stats.intervals import mean_estimate
from entreg.compare.study import read_study
from tests.compare.run_folders import write_study

SHEET = Sheet("A & B", ["arm", "accuracy %"], [["mix_ent", "95.1 ± 0.2"], ["a|b", "-"]])


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    return analyse(read_study(write_study(tmp_path_factory.mktemp("study"), 4)))


def test_markdown_escapes_what_would_end_a_cell() -> None:
    assert SHEET.markdown().splitlines()[2:] == [
        "| arm | accuracy % |",
        "| --- | ---: |",
        "| mix_ent | 95.1 ± 0.2 |",
        r"| a\|b | - |",
    ]


def test_latex_uses_booktabs_and_escapes() -> None:
    latex = SHEET.latex()
    assert r"\caption{A \& B}" in latex
    assert r"mix\_ent & 95.1 $\pm$ 0.2 \\" in latex
    assert r"arm & accuracy \% \\" in latex
    assert all(rule in latex for rule in (r"\toprule", r"\midrule", r"\bottomrule"))


def test_csv_reads_back() -> None:
    assert list(csv.reader(StringIO(SHEET.csv()))) == [SHEET.header, *SHEET.rows]


def test_every_arm_has_its_seeds_error_counts_and_intervals(analysis: Analysis) -> None:
    sheet = arms_sheet(analysis)
    assert sheet.header[:4] == ["arm", "seeds", "errors of 400", "accuracy %"]
    assert [row[0] for row in sheet.rows] == list(analysis.study.arms)
    errors = [result.scores["test"]["errors"] for result in analysis.study.arms["mix_ent"]]
    row = sheet.rows[2]
    assert row[2] == f"{min(errors)} to {max(errors)}"
    mean = 100 * (1 - sum(errors) / 4 / 400)
    assert row[3].startswith(f"{mean:.2f} ± ")
    assert len({len(r) for r in (sheet.header, *sheet.rows)}) == 1


def test_verdicts_are_about_the_primary_measure_alone(analysis: Analysis) -> None:
    primary, secondary = verdicts_sheet(analysis), secondary_sheet(analysis)
    assert [row[:2] for row in primary.rows] == [["min_ent", "accuracy %"], ["mix_ent", "accuracy %"]]
    assert primary.rows[1][-1] == "worse"
    assert "accuracy %" not in {row[1] for row in secondary.rows}
    assert len(secondary.rows) == 2 * (len(analysis.measures) - 1)


def test_more_seeds_are_needed_to_see_less(analysis: Analysis) -> None:
    row = power_sheet(analysis, [10.0, 20.0]).rows[0]
    assert int(row[-2]) >= int(row[-1]) >= 2
    assert power_sheet(analysis, [1e-3]).rows[0][-1] == "too few images"


def test_differences_and_convergence_have_a_row_each(analysis: Analysis) -> None:
    assert differences_sheet(analysis).rows == [
        ["model.loss.class_path", *(f"entreg.losses.{n}Loss" for n in ("CrossEntropy", "MinEnt", "MixEnt"))]
    ]
    sheet = convergence_sheet(convergence_of(analysis.study, [0.6, 0.99]))
    assert sheet.header[1:3] == ["to 60% validation accuracy", "to 99% validation accuracy"]
    assert sheet.rows[0][1:3] == ["2.0 epochs, 20 s", "never"]


def test_other_sets_have_a_row_for_each_arm(analysis: Analysis) -> None:
    sheet = ood_sheet(analysis)
    assert [row[:2] for row in sheet.rows] == [["noise (far)", label] for label in analysis.study.arms]
    values = [run.scores["ood"]["noise"]["energy"]["auroc"] for run in analysis.study.arms["mix_ent"]]
    assert sheet.rows[2][sheet.header.index("AUROC % energy")] == f"{100 * sum(values) / 4:.2f}"


def test_times_are_medians_in_which_who_never_gets_there_is_slowest() -> None:
    curve = Curve(np.array([9, 19]), np.array([1.0, 2.0]), np.array([0.5, 0.6]))

    def arm(*epochs: float | None) -> list[Convergence]:
        return [Convergence({0.9: None if e is None else Reached(e, 10 * e)}, 0.5, 1, None, curve, {}) for e in epochs]

    rows = convergence_sheet(
        {"a": arm(3.0, 1.0, 2.0), "b": arm(1.0, None, 5.0), "c": arm(1.0, None, None), "d": []}
    ).rows
    assert [row[1] for row in rows] == ["2.0 epochs, 20 s", "5.0 epochs, 50 s (2 of 3)", "never (1 of 3)", "-"]
    assert [row[3] for row in rows] == ["1.0", "1.0", "1.0", "-"]


@pytest.mark.parametrize(("p", "text"), [(None, "-"), (0.0004, "<0.001"), (0.0312, "0.031")])
def test_small_p_values_are_said_to_be_small(p: float | None, text: str) -> None:
    assert p_value(p) == text


@pytest.mark.parametrize(("values", "text"), [([], "-"), ([1.234], "1.23"), ([1.0, 2.0], "1.50 ± 6.35")])
def test_an_estimate_has_an_interval_only_where_there_is_one(values: list[float], text: str) -> None:
    assert estimate_text(mean_estimate(values), 2) == text
