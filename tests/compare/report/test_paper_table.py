"""The narrow table stands in a paper as it is."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from entreg.compare import Analysis, compare_arms
from entreg.compare.report import secondary_sheet, sheets_of, verdicts_sheet
from entreg.compare.report.paper_table import paper_table

PDFLATEX = shutil.which("pdflatex")


def test_the_table_has_a_caption_a_label_and_aligned_numbers(analysis: Analysis) -> None:
    lines = paper_table(analysis).splitlines()
    assert r"\label{tab:entreg-compare}" in lines
    assert any(
        line.startswith(r"\caption{Mean over seeds") and "Against cross\\_entropy, in accuracy" in line
        for line in lines
    )
    rows = [line for line in lines if line.startswith(("cross", "min", "mix"))]
    assert [row.split(" & ")[0] for row in rows] == [r"cross\_entropy", r"min\_ent", r"mix\_ent"]
    assert {row.count("&") for row in rows} == {4}
    estimate = analysis.estimates["acc"]["mix_ent"]
    low, high = estimate.interval
    assert f"& {estimate.mean:.1f} +- {(high - low) / 2:.1f} {{$^{{-}}$}} &" in rows[2]
    assert "$^{" not in rows[0]


def odd_names() -> Analysis:
    """Arms whose names mean something to LaTeX, some with one seed alone, some with values below 0."""
    rng = np.random.default_rng(0)
    targets = rng.integers(4, size=90)
    names = ("base_line", r"100% & #1 ~ {x}^2 \y", "größer")
    arms = {name: [rng.normal(size=(90, 4)) + np.eye(4)[targets] for _ in range(3)] for name in names}
    return compare_arms({**arms, "one_seed": arms["größer"][:1]}, targets, names[0], ["acc", "ce2"]).analysis


@pytest.mark.skipif(PDFLATEX is None, reason="no pdflatex: apt-get install texlive-latex-base texlive-science")
@pytest.mark.parametrize("odd", [False, True])
def test_latex_sets_it_in_a_column_and_all_other_tables(odd: bool, analysis: Analysis, tmp_path: Path) -> None:
    shown = odd_names() if odd else analysis
    tables = paper_table(shown).replace(r"\end{table}", "\\end{table}\n\\typeout{narrow table is set}")
    sheets = [verdicts_sheet(shown), secondary_sheet(shown)] if odd else sheets_of(shown, {}).values()
    others = "\n".join(sheet.latex() for sheet in sheets if sheet.rows)
    packages = r"\usepackage[T1]{fontenc}\usepackage{booktabs,siunitx}"
    text = rf"\documentclass[twocolumn]{{article}}{packages}\begin{{document}}{tables}{others}\end{{document}}"
    (tmp_path / "paper.tex").write_text(text)
    command = [str(PDFLATEX), "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert found.returncode == 0, found.stdout[-2000:]
    narrow = found.stdout.partition("narrow table is set")[0]
    assert not re.findall(r"Overfull|siunitx.*(?:Error|Warning)", narrow), narrow
