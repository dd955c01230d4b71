from __future__ import annotations

from entreg.cli.options import values


def test_values_are_found_in_both_spellings() -> None:
    assert values(["--run=a", "--id", "7", "--run", "b", "--runs", "c"], "--run") == [(0, "a"), (4, "b")]


def test_an_option_at_the_end_has_no_value() -> None:
    assert values(["--id", "7", "--run"], "--run") == []
