"""The simulations of tests/benchmarks, with so few studies that only gross faults are seen."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks.simulations.__main__ import main
from tests.benchmarks.simulations.bars import Bar, allowed
from tests.benchmarks.simulations.cells import CELLS, MEASURES, OWN, Cell, coverage, lost, null
from tests.benchmarks.simulations.study import simulate
from tests.benchmarks.simulations.world import Arm, truth, with_accuracy


@pytest.mark.parametrize(("name", "studies"), [("null-2", 15), ("lost-7", 15)])
def test_the_bars_hold(name: str, studies: int) -> None:
    cell = CELLS[name]()
    seen = [simulate(name, cell, number) for number in range(studies)]
    for bar in cell.bars:
        assert bar.holds(float(np.mean([record[bar.key] for record in seen])), studies)


def test_intervals_hold_the_truth() -> None:
    cell = coverage(3, partial(truth, seeds=40, samples=2000))
    seen = [simulate("coverage", cell, number) for number in range(20)]
    for key in (*MEASURES, *(f"own {key}" for key in OWN)):
        assert np.mean([record[key] for record in seen]) >= 0.85, key


@pytest.mark.parametrize("cell", [null(2, 3), lost(7)], ids=["looks", "lost"])
def test_run_folders_say_the_same(cell: Cell, tmp_path: Path) -> None:
    simulate("folders", cell, 0, tmp_path)


def test_what_is_there_is_not_drawn_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["--only", "lost-7", "--folders", "0", "--out", str(tmp_path)]
    main([*args, "--studies", "2"])
    assert "lost-7: 2 of 2 studies drawn" in capsys.readouterr().out
    assert main([*args, "--studies", "3"])
    assert "lost-7: 1 of 3 studies drawn" in capsys.readouterr().out
    main([*args, "--studies", "3"])
    assert "drawn" not in capsys.readouterr().out
    lines = (tmp_path / "lost-7.jsonl").read_text().splitlines()
    assert [json.loads(line)["study"] for line in lines] == [0, 1, 2]


def test_the_world_is_what_it_says() -> None:
    perfect, usual, worse = (truth(arm, 60, 1000) for arm in (Arm(0.0, 1.0), Arm(), with_accuracy(Arm(), -5.0)))
    assert perfect["ce2"] < usual["ce2"] / 2  # what is left is the luck in sharpness, and that samples are few
    assert perfect["acc"] > usual["acc"] + 1
    assert worse["acc"] - usual["acc"] == pytest.approx(-5.0, abs=0.5)


def test_bars() -> None:
    most = Bar("x", "x", high=0.05)
    assert allowed(0.05, 2000) == 124
    assert most.holds(124 / 2000, 2000)
    assert not most.holds(125 / 2000, 2000)
    power = Bar("x", "x", 0.75, 0.85, exact=True)
    assert [power.holds(share, 2000) for share in (0.74, 0.75, 0.85, 0.86)] == [False, True, True, False]
    assert [str(bar) for bar in (most, power, Bar("x", "x", low=0.94))] == ["not above 5 %", "75 to 85 %", ">= 94 %"]
