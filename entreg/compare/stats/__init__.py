"""Statistics of comparisons: arrays in, numbers out. Needs neither PyTorch nor run folders."""

from entreg.compare.stats.comparison import Comparison, SeedsNeeded
from entreg.compare.stats.hierarchical import Hierarchical, hierarchical_estimate
from entreg.compare.stats.intervals import Estimate, Interval, mean_estimate, paired_estimate
from entreg.compare.stats.jackknife import Contributions, of_auroc, of_calibration, of_mean
from entreg.compare.stats.mcnemar import McNemar, mcnemar
from entreg.compare.stats.power import detectable, power, seeds_needed
from entreg.compare.stats.unpaired import unpaired_estimate
from entreg.compare.stats.verdict import Pairs, Unpaired, compare_values

__all__ = [
    "Comparison",
    "Contributions",
    "Estimate",
    "Hierarchical",
    "Interval",
    "McNemar",
    "Pairs",
    "SeedsNeeded",
    "Unpaired",
    "compare_values",
    "detectable",
    "hierarchical_estimate",
    "mcnemar",
    "mean_estimate",
    "of_auroc",
    "of_calibration",
    "of_mean",
    "paired_estimate",
    "power",
    "seeds_needed",
    "unpaired_estimate",
]
