"""Curves out of metrics.csv: which rows belong to training, and files that are not one."""

import numpy as np
import pytest

from entreg.compare.curves import read_curves, without_pauses
from entreg.errors import RunError

HEADER = "step,name,value,time\r\n"
ROWS = """0,loss/train,3.5,100.0
9,val/acc,0.5,110.0
9,train/acc,0.4,110.5
10,loss/train,2.5,111.0
19,val/acc,0.6,120.0
19,train/acc,0.55,120.5
"""
EVALUATION = """20,val/acc,0.6,125.0
20,test/acc,0.59,126.0
"""


@pytest.fixture
def read(tmp_path):
    def write_and_read(text):
        path = tmp_path / "metrics.csv"
        path.write_text(text, newline="")
        return read_curves(path)

    return write_and_read


def test_series_by_name(read):
    curves = read(HEADER + ROWS)
    assert list(curves) == ["loss/train", "val/acc", "train/acc"]
    steps, seconds, values = curves["val/acc"]
    np.testing.assert_array_equal(steps, [9, 19])
    np.testing.assert_array_equal(seconds, [10.0, 20.0])
    np.testing.assert_array_equal(values, [0.5, 0.6])


def test_evaluations_of_the_finished_run_are_left_out(read):
    resumed = "29,val/acc,0.7,200.0\n29,train/acc,0.7,200.5\n30,val/acc,0.7,210.0\n30,test/acc,0.7,211.0\n"
    again = "20,val/acc,0.6,300.0\n31,val/acc,0.7,310.0\n"
    curves = read(HEADER + ROWS + EVALUATION + resumed + again)
    np.testing.assert_array_equal(curves["val/acc"].steps, [9, 19, 29])
    assert "test/acc" not in curves


def test_a_line_cut_short_is_left_out(read):
    for rest in ("30,loss/tr", "30,loss/train,1.5,1", "30"):
        np.testing.assert_array_equal(read(HEADER + ROWS + rest)["loss/train"].steps, [0, 10])


def test_values_may_be_infinite(read):
    values = [0.1 + 0.2, 1e-300, np.inf, np.nan]
    text = "".join(f"{step},loss/train,{value!r},1.0\n" for step, value in enumerate(map(float, values)))
    np.testing.assert_allclose(read(HEADER + text)["loss/train"].values, values, rtol=1e-15)


def test_a_file_without_rows_has_no_curves(read):
    assert read(HEADER) == {}


@pytest.mark.parametrize(
    "text",
    ["", "epoch,loss\n1,2\n", HEADER + "a,b,c,d\n", HEADER + "1,loss,x,1\n", HEADER + "1,2,3,4,5\n1,loss,2.0,3.0\n"],
)
def test_other_files_are_refused_in_a_line(read, text):
    with pytest.raises(RunError, match=r"metrics\.csv: .*step,name,value,time") as raised:
        read(text)
    assert "\n" not in str(raised.value)


def test_no_file(tmp_path):
    with pytest.raises(RunError, match="is not there"):
        read_curves(tmp_path / "metrics.csv")


def test_pauses_are_closed():
    np.testing.assert_array_equal(without_pauses([5, 6, 7, 100, 101, 103]), [5, 6, 7, 8, 9, 11])
    np.testing.assert_array_equal(without_pauses([0, 1, 500]), [0, 1, 500])
    np.testing.assert_array_equal(without_pauses([]), [])
