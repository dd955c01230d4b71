"""How often intervals over several data sets hold the truth: python -m tests.benchmarks.aggregates [--studies 1000]"""

from __future__ import annotations

import argparse

import numpy as np
from scipy import stats

from entreg.compare.stats.aggregate import aggregate
from entreg.compare.stats.intervals import Floats
from entreg.compare.stats.profile import performance_profile

LEVELS = np.array([0.0, 0.5, 1.0])  # of the data sets
BETTER = 0.5  # what one arm is better by
SPREADS = {"alike": np.ones(3), "unlike": np.array([0.3, 0.3, 2.0])}  # standard deviations of a seed on each data set
THRESHOLDS = (0.0, 1.0, 2.0)  # of the profile


def truth(seeds: int, spread: Floats) -> dict[str, float]:
    """What the numbers of the better arm are on average over studies; its rank gets better with the seeds."""
    pooled = np.random.default_rng(0).standard_normal((1_000_000, len(LEVELS))) * spread + LEVELS + BETTER
    apart = BETTER / (2**0.5 * spread)
    shares = {f"above {t:g}": stats.norm.sf(t, LEVELS + BETTER, spread).mean() for t in THRESHOLDS}
    return {
        "rank": float(2 - stats.norm.cdf(apart * seeds**0.5).mean()),
        "iqm": float(stats.trim_mean(pooled, 0.25, axis=None)),
        "improvement": float(stats.norm.cdf(apart).mean()),
        **shares,
    }


def covered(studies: int, seeds: int, spread: Floats) -> dict[str, float]:
    rng, expected = np.random.default_rng(seeds), truth(seeds, spread)
    hits = dict.fromkeys(expected, 0)
    for _ in range(studies):
        worse, better = rng.standard_normal((2, len(LEVELS), seeds)) * spread[:, None] + LEVELS[:, None]
        found = aggregate({"worse": worse, "better": better + BETTER}, "worse")["better"]
        ends = {name: getattr(found, name).interval for name in ("rank", "iqm", "improvement")}
        profile = performance_profile(better + BETTER, THRESHOLDS)
        ends |= {f"above {t:g}": pair for t, *pair in zip(THRESHOLDS, profile.low, profile.high, strict=True)}
        for name, (low, high) in ends.items():
            hits[name] += low <= expected[name] <= high
    return {name: count / studies for name, count in hits.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=1000)
    given = parser.parse_args()
    for name, spread in SPREADS.items():
        for seeds in (2, 3, 5, 10):
            shares = ", ".join(f"{key} {share:.1%}" for key, share in covered(given.studies, seeds, spread).items())
            print(f"spreads {name}, {seeds} seeds: {shares}", flush=True)
