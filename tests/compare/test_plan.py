"""Plans in files: what they may say, and when they were written."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from entreg.compare.plan import Plan, read_plan, write_plan
from entreg.errors import ConfigError


def test_a_plan_is_written_once_with_its_time(tmp_path: Path) -> None:
    path, plan = tmp_path / "plan.yaml", Plan({"acc": 0.1, "nll": None}, "cross_entropy", seeds=5)
    write_plan(path, plan)
    written = path.read_text()
    write_plan(path, plan)
    assert path.read_text() == written
    assert read_plan(path).plan == plan
    assert abs((datetime.now(timezone.utc) - read_plan(path).time).total_seconds()) < 60
    with pytest.raises(ConfigError, match="another plan was written down before the runs"):
        write_plan(path, Plan(seeds=10))


def test_a_plan_by_hand_is_as_old_as_its_file(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text("primary: {nll: 0.01}\n")
    assert read_plan(path).plan == Plan({"nll": 0.01})
    assert read_plan(path).time.timestamp() == pytest.approx(path.stat().st_mtime)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("primary: {f1: 0.1}", "f1 is no measure"),
        ("primary: {acc: -1}", "a margin is a number > 0, got -1"),
        ("primary: {}", "at least one measure"),
        ("primary: acc", "expected measures and margins"),
        ("seeds: 1", "expected a number of seeds >= 2, got 1"),
        ("alpha: 5", "expected a level in"),
        ("metric: acc", "metric is no part of a plan"),
        ("written: yesterday", "expected a time"),
    ],
)
def test_what_is_no_plan_is_refused(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(text)
    with pytest.raises(ConfigError, match=words):
        read_plan(tmp_path / "plan.yaml")


def test_a_baseline_of_digits_has_to_be_put_in_quotes() -> None:
    with pytest.raises(ConfigError, match=r"^plan.baseline: expected the name of an arm, got 4821; put it in quotes$"):
        Plan(baseline=4821)
