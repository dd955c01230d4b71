from __future__ import annotations

import pytest

from entreg.compare.report import terminal
from entreg.compare.report.sheet import Sheet
from entreg.compare.report.terminal import print_sheet

HEADER = ["set", "arm", *(f"score number {k} of many" for k in range(12))]
ROWS = [[name, arm, *("61.67 (57.12 to 66.02)" for _ in range(12))] for name in "ab" for arm in ("mine", "theirs")]


@pytest.mark.parametrize("rows", [ROWS, ROWS[:2]])
def test_a_table_that_is_too_wide_is_printed_in_parts_and_no_cell_is_broken(
    rows: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    print_sheet(Sheet("Many scores", HEADER, rows))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 160
    cells = [[cell.strip() for cell in line.strip("│").split("│")] for line in lines if line.startswith("│")]
    assert {cell for row in cells for cell in row} <= {cell for row in ROWS for cell in row}
    assert sum(len(row) - 2 for row in cells) == 12 * len(rows)
    assert {tuple(row[:2]) for row in cells} == {tuple(row[:2]) for row in rows}
    assert lines[0].startswith("Many scores")


def test_names_that_leave_no_room_are_broken_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(terminal, "_PLAIN_WIDTH", 80)
    label = "entropy_regularized, entropy.weight 0.1, schedule grow, learn_bases true"
    rows = [[label, "calibration of NLL at T", "5", "95.12"], [label, "refinement of NLL at T", "5", "95.12"]]
    print_sheet(Sheet("", ["arm", "measure", "seeds", "accuracy"], rows))
    said = capsys.readouterr().out
    assert said.count("95.12") == 2
    assert "accuracy" in said
    assert max(map(len, said.splitlines())) <= 80
