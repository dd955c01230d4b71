"""After a sweep: its best cell and the baseline, on seeds that the sweep did not use, and only then on test.

What was the best of many on validation owes a part of its score to luck, on validation and on the seeds that were tried
(Cawley and Talbot, JMLR 11, 2010). The comparison of new runs, planned before them, does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from entreg.compare.plan import NAME as PLAN
from entreg.compare.plan import Plan, write_plan
from entreg.console import print_line
from entreg.errors import ConfigError, RunError
from entreg.losses import available
from entreg.sweep.board import Board
from entreg.sweep.cells import ranked_cells, seeds_of
from entreg.sweep.checks import no_link
from entreg.sweep.config import SEED, Sweep
from entreg.sweep.report import Compare, once, primary_of, table_of
from entreg.sweep.space import described

LOSS = "model.loss"


@dataclass(frozen=True)
class Confirmation:
    """Two arms that are trained on fresh seeds.

    Attributes:
        challenger: the best cell, or the next best where the best is the baseline's; its seeds are trials of a sweep.
        baseline: the best cell of the baseline's loss; where the sweep has none, that loss as it is by itself, with
            the challenger's values of all but the loss.
        plan: of their comparison.
        said: what is confirmed, a sentence.
    """

    challenger: Sweep
    baseline: Sweep
    plan: Plan
    said: str


def check_confirmation(sweep: Sweep, seeds: int) -> None:
    """Refuse, before anything is trained, what could not be confirmed.

    Raises:
        ConfigError: if there are too few seeds, or the baseline is no loss.
    """
    if seeds < 2:
        raise ConfigError(f"--confirm {seeds}: one seed says nothing about other seeds, expected 2 or more")
    values, name = sweep.parameters.get(LOSS, ()), _baseline(sweep)
    if name not in available() and not (isinstance(values, Sequence) and name in values):
        raise ConfigError(f"baseline {name}: a confirmation needs the name of a loss, entreg losses lists them")


def confirmation(board: Board, seeds: int) -> Confirmation:
    """Choose what is trained again, by validation alone.

    Args:
        board: of a sweep of which no trial is left to do.
        seeds: number of seeds of each arm.

    Raises:
        RunError: if nothing was completed, or there is but the baseline.
    """
    sweep, cells = board.sweep, ranked_cells(board)
    if not cells:
        raise RunError(f"{board.folder}: no trial was completed, so there is nothing to confirm")
    loss = _baseline(sweep)
    baseline = next((cell for cell in cells if cell.loss == loss), None)
    arm = None if baseline is None else baseline.arm
    challenger = next((cell for cell in cells if cell.arm != arm), None)
    if challenger is None:
        raise RunError(f"{board.folder}: every trial is of the baseline, {loss}, and there is nothing to confirm")
    ours, options = dict(challenger.values), {key: value for key, value in sweep.options.items() if key != SEED}
    if baseline is not None:
        theirs, kept = dict(baseline.values), options
    else:
        theirs = {LOSS: loss, **_without_loss(challenger.values)}
        kept = _without_loss(options)
    first = max(seeds_of(board)) + 1
    fresh = list(range(first, first + seeds))
    again = replace(sweep, parameters={SEED: fresh}, sampler="grid", trials=None, prune=None, baseline=None, plan=None)
    name = f"{sweep.name}-baseline"
    plan = sweep.plan or Plan(primary=dict.fromkeys(primary_of(sweep.metric)))
    place = f"the best of {len(cells)}{'' if challenger is cells[0] else ' besides the baseline'}"
    known = "" if baseline is None else f" ({baseline.score:.5g})"
    return Confirmation(
        replace(again, name=f"{sweep.name}-challenger", options={**options, **ours}),
        replace(again, name=name, options={**kept, **theirs}),
        replace(plan, baseline=name, seeds=seeds, arms=2),
        f"confirming {described(ours)}, {place} on validation ({sweep.metric} {challenger.score:.5g}), "
        f"against {described(theirs)}{known}, with seeds {fresh[0]} to {fresh[-1]}",
    )


def confirm(
    board: Board, seeds: int, work: Callable[[Board], None], compare: Compare, url: str | None, retry: bool
) -> None:
    """Train both arms in ``confirm/`` of the sweep's folder, and compare them on test, once for all workers.

    Args:
        board: of a sweep of which no trial is left to do.
        seeds: number of seeds of each arm.
        work: trains until all trials of a board have ended.
        compare: compares the runs, and writes ``confirm/report/``.
        url: of the database of the study; ``None``: a journal in each arm's folder.
        retry: whether runs that failed are tried again.

    Raises:
        ConfigError: if another confirmation was begun there.
        RunError: as :func:`confirmation`, or if no run of an arm was completed.
    """
    found, folder = confirmation(board, seeds), board.folder / "confirm"
    with board.lock:
        folder.mkdir(exist_ok=True)
        write_plan(no_link(folder / PLAN), found.plan)
    print_line(found.said)
    boards = [_open(sweep, folder, url, retry) for sweep in (found.challenger, found.baseline)]
    for of_arm in boards:
        work(of_arm)
    runs = [path for of_arm in boards for path in _runs(of_arm)]
    out = no_link(folder / "report")
    is_new = once(
        board,
        out / "trials.csv",
        "".join(map(table_of, boards)),
        lambda: compare(runs, plan=folder / PLAN, baseline=None, metrics=None, out=out),
    )
    if not is_new:
        print_line(f"compared before, report: {out / 'index.html'}")


def _open(sweep: Sweep, folder: Path, url: str | None, retry: bool) -> Board:
    return Board.open(sweep, no_link(folder / sweep.name.rpartition("-")[2]), url, retry)


def _runs(board: Board) -> list[Path]:
    """Run folders of an arm of which at least one trial was completed."""
    if not ranked_cells(board):
        raise RunError(f"{board.folder}: no trial was completed, see logs/ there; mend it, then add --retry true")
    return board.runs


def _baseline(sweep: Sweep) -> str:
    """Loss that the best is confirmed against: the plan's, the sweep's, or cross-entropy."""
    return (sweep.baseline if sweep.plan is None else sweep.plan.baseline) or "cross_entropy"


def _without_loss(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != LOSS and not key.startswith(f"{LOSS}.")}
