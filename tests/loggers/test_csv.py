from __future__ import annotations

import csv
from pathlib import Path

from entreg.loggers import CSVLog
from entreg.runs import Run


def rows_of(log: CSVLog) -> list[list[str]]:
    with log.run.metrics.open() as file:
        return [row[:3] for row in csv.reader(file)]


def test_csv_appends_one_value_a_row_exactly(tmp_path: Path) -> None:
    log = CSVLog(Run(tmp_path / "run-1"))
    log.log_metrics({"val/acc": 1 / 3, "epoch": 0}, step=4)
    CSVLog(log.run).log_metrics({"val/new": float("nan")}, step=5)
    assert rows_of(log) == [["step", "name", "value"], ["4", "val/acc", repr(1 / 3)], ["5", "val/new", "nan"]]


def test_csv_is_cut_back_and_never_grown(tmp_path: Path) -> None:
    log = CSVLog(Run(tmp_path / "run-1"))
    log.cut(100)
    assert log.size() == 0
    log.log_metrics({"a": 1.0}, step=0)
    size = log.size()
    log.log_metrics({"a": 2.0}, step=1)
    log.cut(size)
    assert rows_of(log)[1:] == [["0", "a", "1.0"]]
    log.cut(10**6)
    assert log.size() == size
