from __future__ import annotations

from entreg.__main__ import main
from entreg.runs import Run, read_summary, write_summary


def test_a_run_that_goes_on_keeps_its_seconds_and_no_score_of_before(finished_copy: Run) -> None:
    before = read_summary(finished_copy)
    write_summary(finished_copy, {**before, "wall_seconds": 1000.0, "shift": {"gone": before["test"]}})
    assert main(["fit", "--run", str(finished_copy.path)]) == 0
    after = read_summary(finished_copy)
    assert 1000 < after["wall_seconds"] < 1300
    assert after.keys() == before.keys()
    assert after["test"] == before["test"]
