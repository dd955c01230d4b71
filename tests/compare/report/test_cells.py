"""Numbers as text."""

from __future__ import annotations

import pytest

from entreg.compare.report.cells import estimate_text, mean, mean_percent, p_value
from entreg.compare.stats.intervals import mean_estimate


@pytest.mark.parametrize(("p", "text"), [(None, "-"), (0.0004, "<0.001"), (0.0312, "0.031")])
def test_small_p_values_are_said_to_be_small(p: float | None, text: str) -> None:
    assert p_value(p) == text


@pytest.mark.parametrize(
    ("values", "text"), [([], "-"), ([1.234], "1.23"), ([1.0, 2.0], "1.50 ± 6.35"), ([1e7, 2e7], "1.5e+07 ± 6.35e+07")]
)
def test_an_estimate_has_an_interval_only_where_there_is_one(values: list[float], text: str) -> None:
    assert estimate_text(mean_estimate(values), 2) == text


def test_a_mean_of_nothing_is_a_dash() -> None:
    assert (mean([1, 2], 1), mean([], 1)) == ("1.5", "-")
    assert (mean_percent([0.5, 0.251]), mean_percent([])) == ("37.55", "-")
