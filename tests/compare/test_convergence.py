"""How fast the runs of a study learnt."""

from __future__ import annotations

from pathlib import Path

import pytest

from entreg.compare import Analysis, convergence_of, read_study
from tests.compare.run_folders import write_study


def test_accuracies_are_reached_in_epochs_and_seconds(analysis: Analysis) -> None:
    found = convergence_of(analysis.study, [0.6, 0.99])
    first, second, *_ = found["mix_ent"]
    assert first.reached[0.6] == (2.0, 20.0)
    assert first.reached[0.99] is None
    assert second.area == pytest.approx(0.61)
    assert first.spikes == 0
    assert first.gradient_variance > 0


def test_without_accuracies_the_highest_that_half_the_runs_reach_are_taken(analysis: Analysis) -> None:
    found = convergence_of(analysis.study)
    assert list(found["mix_ent"][0].reached) == [0.6, 0.7]


def test_a_run_without_a_log_is_left_out(tmp_path: Path) -> None:
    folders = write_study(tmp_path, 2)
    (folders[0] / "metrics.csv").unlink()
    (folders[1] / "metrics.csv").write_text("step,name,value,time\n0,loss/train,1.0,0\n")
    assert [len(arm) for arm in convergence_of(read_study(folders)).values()] == [0, 2, 2]
