"""Everything that only a GPU can show: python -m tests.benchmarks.gpu [--seconds S] [--only PART[:TEXT] ...]

Parts: ``losses``, ``checks`` (captured equals eager, NaN, kill and resume), ``training``, ``start``, ``workers``. Rows
are printed as they come, and once more in a table at the end, with the seconds that each part took. On a CPU it runs to
its end with small sizes, which shows that it runs, and nothing else.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable
from pathlib import Path

import torch

from tests.benchmarks.gpu import checks, losses, training, workers
from tests.benchmarks.gpu.table import Table
from tests.benchmarks.timing import letters, machine

PARTS = ("losses", "checks", "training", "start", "workers")


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
        measures: dict[str, Callable[[], None]] = {
            "losses": lambda: losses.measure(device, min(args.seconds, 0.3), table),
            "checks": lambda: checks.measure(root, device, table),
            "training": lambda: training.measure(root, device, args.seconds, table),
            "start": lambda: workers.whole_run(root, device, table),
            "workers": lambda: workers.measure(root, device, table),
        }
        began = time.perf_counter()
        for part, measure in measures.items():
            if table.wants(part):
                _as_if_alone()
                start = time.perf_counter()
                measure()
                table.add(part, "this part", f"{time.perf_counter() - start:.0f} s")
        table.add("all", "the benchmark", f"{time.perf_counter() - began:.0f} s", "480 s")
    table.print()


def _as_if_alone() -> None:
    """Let go of what a part before has left, and of what it has set: deterministic algorithms cost a tenth here."""
    gc.collect()
    torch.use_deterministic_algorithms(False)
    torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
