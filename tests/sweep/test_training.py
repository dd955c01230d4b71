"""What is read of a trial while it is trained, and after."""

from __future__ import annotations

from pathlib import Path

import pytest

from entreg.errors import RunError
from entreg.sweep.training import validations


def test_half_a_row_of_metrics_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text("step,name,value,time\n1,val/acc,0.5,1.0\n2,val/acc,0.75,2.0\n3,val/acc")
    assert validations(path, "val/acc") == ([0.5, 0.75], True)
    assert validations(tmp_path / "absent.csv", "val/acc") == ([], True)


def test_the_evaluation_after_training_is_none_of_its_validations(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    rows = ["0,loss/train,3,0", "9,val/acc,0.5,1", "9,train/acc,0.4,1", "19,val/acc,0.75,2", "19,train/acc,0.6,2"]
    path.write_text("\n".join(["step,name,value,time", *rows, ""]))
    assert validations(path, "val/acc") == ([0.5, 0.75], True)
    path.write_text("\n".join(["step,name,value,time", *rows, "20,val/acc,0.8,3", ""]))
    assert validations(path, "val/acc") == ([0.5, 0.75], False)


def test_a_log_with_what_is_no_number_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text("step,name,value,time\n1,val/acc,high,1.0\n")
    with pytest.raises(RunError, match="could not convert string to float: 'high'"):
        validations(tmp_path / "metrics.csv", "val/acc")
