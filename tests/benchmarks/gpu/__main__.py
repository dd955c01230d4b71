"""Everything that only a GPU can show: python -m tests.benchmarks.gpu [--seconds S] [--only PART[:TEXT] ...]

Parts: ``checks`` (captured equals eager, NaN, kill and resume), ``losses``, ``training``, ``workers``, ``start``. Rows
are printed as they come, and once more in a table at the end. On a CPU it runs to its end with small sizes, which shows
that it runs, and nothing else.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from tests.benchmarks.gpu import checks, losses, training, workers
from tests.benchmarks.gpu.table import Table
from tests.benchmarks.timing import letters, machine

PARTS = ("checks", "losses", "training", "workers", "start")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="folder of EMNIST/raw; default: ENTREG_DATA, else ../shared/data")
    parser.add_argument("--seconds", type=float, default=1.5, help="of timing for each row")
    parser.add_argument("--only", nargs="+", default=PARTS, metavar="PART", help="part, or part:text of a row's name")
    args = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    print(f"{machine()}\n", flush=True)
    table = Table(args.only)
    with letters(args.root) as root:
        if table.wants("checks"):
            checks.measure(root, device, table)
        if table.wants("training"):
            training.measure(root, device, args.seconds, table)
        if table.wants("start"):
            workers.whole_run(root, device, table)
        if table.wants("workers"):
            workers.measure(root, device, table)
        if table.wants("losses"):
            losses.measure(device, min(args.seconds, 0.3), table)
    table.print()


if __name__ == "__main__":
    main()
