"""Everything that only a GPU can show: python -m tests.benchmarks.gpu [--seconds S] [--only PART ...]

Parts: ``checks`` (captured equals eager, NaN, kill and resume), ``losses``, ``training``, ``workers``, ``start``. Rows
are printed as they come, and once more in a table at the end. On a CPU it runs to its end with small sizes, which shows
that it runs, and nothing else.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from entreg.data import EMNIST
from tests.benchmarks.gpu import checks, losses, training, workers
from tests.benchmarks.gpu.table import Table
from tests.benchmarks.timing import letters, machine

PARTS = ("checks", "losses", "training", "workers", "start")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="folder of EMNIST/raw; default: ENTREG_DATA, else ../shared/data")
    parser.add_argument("--seconds", type=float, default=4.0, help="of timing for each row")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    args = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    print(f"{machine()}\n", flush=True)
    table = Table(args.only)
    with letters(args.root) as root:
        if "checks" in args.only:
            checks.measure(root, device, table)
        if "losses" in args.only:
            losses.measure(device, min(args.seconds, 0.3), table)
        if "training" in args.only:
            data = EMNIST(root=str(root))
            data.setup()
            training.measure(root, data, device, args.seconds, table)
        if "workers" in args.only:
            workers.measure(root, device, table)
        if "start" in args.only:
            workers.whole_run(root, device, table)
    table.print()


if __name__ == "__main__":
    main()
