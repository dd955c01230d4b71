"""Tables and sentences of what may be said of the arms against the baseline."""

from __future__ import annotations

from entreg.compare import Analysis
from entreg.compare.report import power_sheet, secondary_sheet, verdict_sentences, verdicts_sheet


def test_verdicts_are_about_the_primary_measure_alone(analysis: Analysis) -> None:
    primary, secondary = verdicts_sheet(analysis), secondary_sheet(analysis)
    assert [row[:2] for row in primary.rows] == [["min_ent", "accuracy %"], ["mix_ent", "accuracy %"]]
    assert primary.rows[1][-1] == "worse"
    assert "accuracy %" not in {row[1] for row in secondary.rows}
    assert len(secondary.rows) == 2 * (len(analysis.measures) - 1)


def test_a_row_holds_the_numbers_of_the_comparison(analysis: Analysis) -> None:
    sheet = verdicts_sheet(analysis)
    comparison = analysis.comparisons["acc"]["mix_ent"]
    row = dict(zip(sheet.header, sheet.rows[1], strict=True))
    assert row["seeds"] == "4 pairs"
    assert row["difference"] == f"{comparison.difference:+.2f}"
    low, high = comparison.interval
    assert row["interval"] == f"{low:+.2f} to {high:+.2f}"
    assert row["p, adjusted"] in ("<0.001", f"{comparison.p:.3f}")


def test_a_sentence_says_which_arm_and_which_measure(analysis: Analysis) -> None:
    assert any(
        said.startswith("mix_ent is worse than cross_entropy: accuracy ") for said in verdict_sentences(analysis)
    )


def test_what_is_not_primary_has_no_verdict(analysis: Analysis) -> None:
    sheet = secondary_sheet(analysis)
    assert not {"better", "worse", "equivalent"} & {cell for row in sheet.rows for cell in row}
    assert f"adjusted for {len(sheet.rows)} comparisons" in sheet.title


def test_more_seeds_are_needed_to_see_less(analysis: Analysis) -> None:
    row = power_sheet(analysis, [10.0, 20.0]).rows[0]
    many, few = (int(cell.split()[0]) for cell in row[-2:])
    assert many >= few >= 2
    assert power_sheet(analysis, [1e-3]).rows[0][-1] == "more test samples"
