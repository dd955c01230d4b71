"""The narrow table stands in a paper as it is."""

from __future__ import annotations

from entreg.compare import Analysis
from entreg.compare.report.paper_table import paper_table


def test_the_table_has_a_caption_a_label_and_aligned_numbers(analysis: Analysis) -> None:
    lines = paper_table(analysis).splitlines()
    assert r"\label{tab:entreg-compare}" in lines
    assert any(
        line.startswith(r"\caption{Mean over seeds") and "Against cross\\_entropy, in accuracy" in line
        for line in lines
    )
    rows = [line for line in lines if line.startswith(("cross", "min", "mix"))]
    assert [row.split(" & ")[0] for row in rows] == [r"cross\_entropy", r"min\_ent", r"mix\_ent"]
    assert {row.count("&") for row in rows} == {8}
    estimate = analysis.estimates["acc"]["mix_ent"]
    low, high = estimate.interval
    assert rf"{estimate.mean:.2f} & \,$\pm$\,{(high - low) / 2:.2f}$^{{-}}$ &" in rows[2]
    assert "$^{" not in rows[0]
