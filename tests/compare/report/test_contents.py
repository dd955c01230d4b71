"""What the page says besides its tables and figures."""

from __future__ import annotations

from dataclasses import replace

from entreg.compare import Analysis
from entreg.compare.report.contents import contents
from entreg.compare.report.tables import convergence_sheet


def test_times_are_said_to_be_of_the_machines_that_trained(analysis: Analysis) -> None:
    (run, *others) = analysis.study.arms["mix_ent"]
    trained = replace(run, summary={**run.summary, "history": [{"device": "H100 <1>"}, {"device": "H100 <1>"}, {}]})
    study = replace(analysis.study, arms={**analysis.study.arms, "mix_ent": [trained, *others]})
    html = contents(replace(analysis, study=study), {"convergence": convergence_sheet({"mix_ent": []})}, {}).html()
    assert "Trained on: H100 &lt;1&gt;." in html
    assert "seconds are those of the machine that trained" in html
