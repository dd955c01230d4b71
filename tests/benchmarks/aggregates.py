"""How often intervals over several data sets hold the truth: python -m tests.benchmarks.aggregates [--studies 1000]"""

from __future__ import annotations

import argparse

import numpy as np
from scipy import stats

from entreg.compare.stats.aggregate import aggregate
from entreg.compare.stats.intervals import Floats

LEVELS = np.array([0.0, 0.5, 1.0])  # of the data sets
BETTER = 0.5  # what one arm is better by
SPREADS = {"alike": np.ones(3), "unlike": np.array([0.3, 0.3, 2.0])}  # standard deviations of a seed on each data set


def truth(spread: Floats) -> dict[str, float]:
    pooled = np.random.default_rng(0).standard_normal((1_000_000, len(LEVELS))) * spread + LEVELS + BETTER
    better = stats.norm.cdf(BETTER / (2**0.5 * spread)).mean()
    return {"iqm": float(stats.trim_mean(pooled, 0.25, axis=None)), "improvement": float(better)}


def covered(studies: int, seeds: int, spread: Floats) -> dict[str, float]:
    rng, expected = np.random.default_rng(seeds), truth(spread)
    hits = dict.fromkeys(expected, 0)
    for _ in range(studies):
        worse, better = rng.standard_normal((2, len(LEVELS), seeds)) * spread[:, None] + LEVELS[:, None]
        found = aggregate({"worse": worse, "better": better + BETTER}, "worse")["better"]
        for name in hits:
            low, high = getattr(found, name).interval
            hits[name] += low <= expected[name] <= high
    return {name: count / studies for name, count in hits.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=1000)
    given = parser.parse_args()
    for name, spread in SPREADS.items():
        for seeds in (2, 3, 5, 10):
            print(f"spreads {name}, {seeds} seeds: {covered(given.studies, seeds, spread)}", flush=True)
