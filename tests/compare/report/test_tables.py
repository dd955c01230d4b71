"""Tables of the arms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from entreg.compare import Analysis, Convergence, Curve, convergence_of
from entreg.compare.dynamics import Reached
from entreg.compare.report import arms_sheet, convergence_sheet, differences_sheet, ood_sheet


def test_every_arm_has_its_seeds_error_counts_and_intervals(analysis: Analysis) -> None:
    sheet = arms_sheet(analysis)
    assert sheet.header[:4] == ["arm", "seeds", "errors of 400", "accuracy %"]
    assert [row[0] for row in sheet.rows] == list(analysis.study.arms)
    errors = [result.scores["test"]["errors"] for result in analysis.study.arms["mix_ent"]]
    row = sheet.rows[2]
    assert row[2] == f"{min(errors)} to {max(errors)}"
    mean = 100 * (1 - sum(errors) / 4 / 400)
    assert row[3].startswith(f"{mean:.2f} (")
    assert len({len(r) for r in (sheet.header, *sheet.rows)}) == 1


def test_differences_and_convergence_have_a_row_each(analysis: Analysis) -> None:
    assert differences_sheet(analysis).rows == [
        ["model.loss.class_path", *(f"entreg.losses.{n}Loss" for n in ("CrossEntropy", "MinEnt", "MixEnt"))]
    ]
    null = replace(analysis.study, differences={"model.loss.eps": {"cross_entropy": None, "mix_ent": 0.5}})
    sheet = differences_sheet(replace(analysis, study=null))
    assert (sheet.rows, sheet.footnote[:4]) == ([["model.loss.eps", "-", "-", "0.5"]], "- : ")
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
        return [
            Convergence(seed, {0.9: None if e is None else Reached(e, 10 * e)}, 0.5, 1, None, curve, {})
            for seed, e in enumerate(epochs)
        ]

    rows = convergence_sheet(
        {
            "a": arm(3.0, 1.0, 2.0),
            "b": arm(1.0, None, 5.0),
            "c": arm(1.0, None, None),
            "d": [],
            "e": arm(3.0, 1.0, 4.0, None),
        }
    ).rows
    assert [row[1] for row in rows] == [
        "2.0 epochs, 20 s",
        "5.0 epochs, 50 s (2 of 3)",
        "never (1 of 3)",
        "-",
        "3.5 epochs, 35 s (3 of 4)",
    ]
    assert [row[3] for row in rows] == ["1.0", "1.0", "1.0", "-", "1.0"]


def test_epochs_and_seconds_have_medians_of_their_own() -> None:
    curve = Curve(np.array([9, 19]), np.array([1.0, 2.0]), np.array([0.5, 0.6]))
    reached = [Reached(1.0, 100.0), Reached(2.0, 10.0), Reached(3.0, 50.0)]  # as on machines of unequal speed
    arm = [Convergence(seed, {0.9: there}, 0.5, 1, None, curve, {}) for seed, there in enumerate(reached)]
    assert convergence_sheet({"a": arm}).rows[0][1] == "2.0 epochs, 50 s"
