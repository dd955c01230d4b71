"""Does the comparison hold what it says? python -m tests.benchmarks.simulations [--studies 2000] [--folders 50]
[--only CELL ...] [--jobs 1] [--out FOLDER]

Studies of known truth are drawn and analysed as arrays (``entreg.compare.compare_arms``); the first of each cell go
through run folders besides, and have to say the same to 1e-12. Each study is a line of ``FOLDER/<cell>.jsonl``: what is
there already is not drawn again. The table says what was seen of each cell, and whether its bar holds.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from tests.benchmarks.simulations.cells import CELLS, PILOT, Cell, Record, power
from tests.benchmarks.simulations.study import simulate


def main(args: Sequence[str] | None = None) -> bool:
    """Simulate what is not there yet, print the table; return whether all bars hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=2000, help="of each cell")
    parser.add_argument("--folders", type=int, default=50, help="of these, those that go through run folders too")
    parser.add_argument("--only", nargs="+", default=list(CELLS), choices=list(CELLS), help="cells")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--out", type=Path, default=Path("simulations"), help="folder of what was seen")
    given = parser.parse_args(args)
    given.out.mkdir(parents=True, exist_ok=True)
    table = Table("cell", "what", "studies", "through folders", "share %", "bar", "holds")
    all_hold = True
    for name in given.only:
        cell = CELLS[name]()
        if name.startswith("power"):  # after a pilot that says at which difference
            pilot = run(name.replace("power", "limits"), cell, PILOT, given.folders, given.jobs, given.out)
            cell = power(*cell.looks, float(np.nanmedian([record["limit"] for record in pilot])))
        seen = run(name, cell, given.studies, given.folders, given.jobs, given.out)
        for bar in cell.bars:
            share = float(np.mean([record[bar.key] for record in seen]))
            folders = sum(int(record["folders"]) for record in seen)
            holds = bar.holds(share, len(seen))
            all_hold = all_hold and holds
            table.add_row(
                name, bar.what, str(len(seen)), str(folders), f"{100 * share:.2f}", str(bar), "yes" if holds else "NO"
            )
    Console(width=160).print(table)
    return all_hold


def run(name: str, cell: Cell, studies: int, folders: int, jobs: int, out: Path) -> list[Record]:
    """Return what is recorded of a cell's studies, in their order; those that are missing are drawn."""
    path = out / f"{name}.jsonl"
    lines = path.read_text().splitlines() if path.is_file() else []
    seen = {record["study"]: record for record in map(json.loads, lines)}
    missing = [
        number for number in range(studies) if number not in seen or (number < folders and not seen[number]["folders"])
    ]
    start = time.perf_counter()
    with path.open("a") as file:
        for record in _each(partial(_one, name, cell, folders), missing, jobs):
            file.write(json.dumps(record) + "\n")
            file.flush()
            seen[int(record["study"])] = record
    if missing:
        print(f"{name}: {len(missing)} of {studies} studies drawn in {time.perf_counter() - start:.0f} s", flush=True)
    return [seen[number] for number in range(studies)]


def _each(one: Callable[[int], Record], numbers: Sequence[int], jobs: int) -> Iterator[Record]:
    if jobs == 1:
        yield from map(one, numbers)
        return
    with multiprocessing.get_context("fork").Pool(jobs, torch.set_num_threads, (1,)) as pool:
        yield from pool.imap_unordered(one, numbers)


def _one(name: str, cell: Cell, folders: int, number: int) -> Record:
    with tempfile.TemporaryDirectory() as folder:
        record = simulate(name, cell, number, Path(folder) if number < folders else None)
    return {"study": number, "folders": float(number < folders), **record}


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
