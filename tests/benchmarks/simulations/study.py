"""One simulated study of a cell, analysed as arrays, and through run folders."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import torch
import yaml

from entreg.compare import Analysis, Study, analyse, read_study
from entreg.compare.looks import Look, look_at, standing_of
from entreg.compare.plan import Plan, Written, read_plan, write_plan
from entreg.files import write_json
from entreg.losses import find
from entreg.runs import Run, write_predictions
from tests.benchmarks.simulations.cells import Cell, Record
from tests.benchmarks.simulations.world import CLASSES, Drawn, draw
from tests.compare.studies import assert_equal


def simulate(name: str, cell: Cell, number: int, folder: Path | None = None) -> Record:
    """Draw a study of a cell and analyse it; return what the cell records.

    Args:
        name: of the cell; with the number it decides what is drawn.
        cell: what is drawn.
        number: of the study.
        folder: an empty one, in which the study is also written as run folders; what these say has to be the same.

    Raises:
        AssertionError: if it is not.
    """
    drawn = draw(np.random.default_rng([zlib.crc32(name.encode()), number]), cell.arms, max(cell.looks), cell.sets)
    analyses = list(_as_arrays(cell, drawn))
    if folder is not None:
        for found, expected in zip(_as_folders(cell, drawn, folder), analyses, strict=True):
            assert_equal(found, expected)
    return cell.record(analyses)


def _as_arrays(cell: Cell, drawn: Drawn) -> Iterator[Analysis]:
    """Analyse at each look, with what the plan leaves for it."""
    written = Written(_plan(cell), Path("plan.yaml"), datetime.now(timezone.utc))
    looks: list[Look] = []
    for seeds in cell.looks:
        study = drawn.study(seeds, _lost(cell, drawn))
        standing = standing_of(study, list(cell.primary), written, looks)
        looks.append(standing.look)
        yield _analysis(study, written.plan, standing.alpha)


def _analysis(study: Study, plan: Plan, alpha: float) -> Analysis:
    return analyse(study, plan.baseline, list(plan.primary), plan.margins, alpha)


def _as_folders(cell: Cell, drawn: Drawn, folder: Path) -> Iterator[Analysis]:
    """Write the plan, and for each look the runs that are new; look as ``entreg compare`` does."""
    write_plan(folder / "plan.yaml", _plan(cell))
    lost, runs = _lost(cell, drawn), []
    for seeds in cell.looks:
        for arm in cell.arms:
            for seed in range(seeds):
                run = Run(folder / f"{arm}-{seed}")
                if run not in runs:
                    _write(run, arm, seed, drawn, (arm, seed) == lost)
                    runs.append(run)
        yield look_at(read_study(run.path for run in runs), read_plan(folder / "plan.yaml"))


def _plan(cell: Cell) -> Plan:
    return Plan(cell.primary, next(iter(cell.arms)), max(cell.looks), cell.alpha)


def _lost(cell: Cell, drawn: Drawn) -> tuple[str, int] | None:
    """The run of the least accuracy of the arm that loses it."""
    if cell.loses is None:
        return None
    right = [(run.argmax(1) == drawn.targets["test"]).mean() for run in drawn.logits["test"][cell.loses]]
    return cell.loses, int(np.argmin(right))


def _write(run: Run, arm: str, seed: int, drawn: Drawn, is_lost: bool) -> None:
    """Write a run folder: one that did not finish has neither predictions nor scores."""
    run.path.mkdir()
    config = {"seed_everything": seed, "model": {"loss": {"class_path": find(arm).class_path}}, "data": {}}
    run.config.write_text(yaml.safe_dump(config))
    if is_lost:
        write_json(run.summary, {"finished": False})
        return
    write_json(
        run.summary, {"name": arm, "seed": seed, "loss": arm, "data": {}, "classes": list(map(str, range(CLASSES)))}
    )
    for name, logits in drawn.logits.items():
        targets = torch.from_numpy(drawn.targets[name])
        write_predictions(
            run.predictions(name), torch.from_numpy(logits[arm][seed]), targets, torch.arange(len(targets))
        )
