from __future__ import annotations

import csv
from pathlib import Path

import pytest

from entreg.compare import read_curves
from entreg.errors import Interrupted, RunError
from entreg.loggers import CSVLog
from entreg.runs import Lease, Run


def rows_of(log: CSVLog) -> list[list[str]]:
    with log.run.metrics.open() as file:
        return [row[:3] for row in csv.reader(file)]


def test_csv_appends_one_value_a_row_exactly(tmp_path: Path) -> None:
    log = CSVLog(Run(tmp_path))
    log.log_metrics({"val/acc": 1 / 3, "epoch": 0}, step=4)
    CSVLog(log.run).log_metrics({"val/new": float("nan")}, step=5)
    assert rows_of(log) == [["step", "name", "value"], ["4", "val/acc", repr(1 / 3)], ["5", "val/new", "nan"]]


def test_csv_adds_no_row_to_a_run_that_another_process_goes_on_with(tmp_path: Path) -> None:
    run = Run(tmp_path)
    with Lease(run.lease) as lease:
        log = CSVLog(run, lease.check)
        log.log_metrics({"a": 1.0}, step=1)
        run.lease.unlink()
        with Lease(run.lease), pytest.raises(Interrupted, match="another process goes on"):
            log.log_metrics({"a": 2.0}, step=2)
    assert len(rows_of(log)) == 2


@pytest.fixture
def log(tmp_path: Path) -> CSVLog:
    """Three rows."""
    log = CSVLog(Run(tmp_path))
    assert log.saved_size() == 0
    for step in range(3):
        log.log_metrics({"a": float(step)}, step=step)
    return log


def test_csv_is_cut_back_to_its_length_at_the_checkpoint(log: CSVLog) -> None:
    size = log.saved_size()
    log.log_metrics({"a": 3.0}, step=3)
    log.cut(size)
    assert log.saved_size() == size
    assert [row[0] for row in rows_of(log)] == ["step", "0", "1", "2"]
    assert not log.gaps


@pytest.mark.parametrize(("left", "after"), [(1, 1), (30, 0), (10**6, -1)])
def test_a_tail_that_is_lost_is_told_and_no_half_row_stays(left: int, after: int, log: CSVLog) -> None:
    size = log.saved_size()
    content = log.run.metrics.read_bytes()
    log.run.metrics.write_bytes(content[:-left])
    log.cut(size)
    assert list(log.gaps) == [after]
    assert log.saved_size() == size
    log.log_metrics({"a": 9.0}, step=9)
    steps = [int(row[0]) for row in rows_of(log)[1:] if row]
    assert steps == [*range(after + 1), 9]
    lost = dict(log.gaps)
    log.cut(size)  # killed before the next checkpoint
    assert dict(log.gaps) == lost
    assert len(read_curves(log.run.metrics)) == bool(after >= 0)


@pytest.mark.parametrize("damage", [b"\0" * 12, b"1;a", b"1,a,b,c\r\n", b'"', b"\xff,a,1.0,1.0\r\n"])
def test_what_is_no_row_is_refused_and_stays(damage: bytes, log: CSVLog) -> None:
    content = log.run.metrics.read_bytes()
    place = content.index(b"\n1,") + 1
    log.run.metrics.write_bytes(content[:place] + damage + content[place + len(damage) :])
    with pytest.raises(RunError, match=r"metrics\.csv: line [34] is not step,name,value,time"):
        log.cut(len(content))
    assert log.run.metrics.stat().st_size == len(content)
    log.cut(place)
    assert [row[0] for row in rows_of(log)] == ["step", "0"]
