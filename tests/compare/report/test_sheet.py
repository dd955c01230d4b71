"""One content in every format."""

from __future__ import annotations

import csv
from io import StringIO

from entreg.compare.report.sheet import Sheet

SHEET = Sheet("A & B", ["arm", "accuracy %"], [["mix_ent", "95.1 ± 0.2"], ["a|b", "-"], ['a, "b"', ""]])


def test_markdown_escapes_what_would_end_a_cell() -> None:
    assert SHEET.markdown().splitlines() == [
        "**A & B**",
        "",
        "| arm | accuracy % |",
        "| --- | ---: |",
        "| mix_ent | 95.1 ± 0.2 |",
        r"| a\|b | - |",
        '| a, "b" |  |',
    ]


def test_latex_uses_booktabs_and_escapes() -> None:
    latex = SHEET.latex()
    assert r"\caption{A \& B}" in latex
    assert r"\begin{tabular}{lr}" in latex
    assert r"mix\_ent & 95.1 $\pm$ 0.2 \\" in latex
    assert r"arm & accuracy \% \\" in latex
    assert all(rule in latex for rule in (r"\toprule", r"\midrule", r"\bottomrule"))


def test_csv_reads_back() -> None:
    assert list(csv.reader(StringIO(SHEET.csv()))) == [SHEET.header, *SHEET.rows]


def test_it_is_a_frame_of_pandas_as_well() -> None:
    assert SHEET.frame.loc[0, "accuracy %"] == "95.1 ± 0.2"
