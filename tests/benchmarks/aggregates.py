"""How often intervals over several data sets hold the truth: python -m tests.benchmarks.aggregates [--studies 1000]"""

from __future__ import annotations

import argparse

import numpy as np
from scipy import stats

from entreg.compare.stats.aggregate import aggregate

LEVELS = np.array([0.0, 0.5, 1.0])  # of the data sets, in standard deviations of a seed
BETTER = 0.5  # what one arm is better by


def truth() -> dict[str, float]:
    pooled = np.random.default_rng(0).standard_normal((1_000_000, 1)) + LEVELS + BETTER
    return {"iqm": float(stats.trim_mean(pooled, 0.25, axis=None)), "improvement": stats.norm.cdf(BETTER / 2**0.5)}


def covered(studies: int, seeds: int) -> dict[str, float]:
    rng, expected = np.random.default_rng(seeds), truth()
    hits = dict.fromkeys(expected, 0)
    for _ in range(studies):
        worse, better = rng.standard_normal((2, len(LEVELS), seeds)) + LEVELS[:, None]
        found = aggregate({"worse": worse, "better": better + BETTER}, "worse")["better"]
        for name in hits:
            low, high = getattr(found, name).interval
            hits[name] += low <= expected[name] <= high
    return {name: count / studies for name, count in hits.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=1000)
    given = parser.parse_args()
    for seeds in (2, 3, 5, 10):
        print(seeds, "seeds", covered(given.studies, seeds), flush=True)
