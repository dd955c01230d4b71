"""From finished runs to honest statistics.

The runs of one experiment are an arm; they differ in their seed. Two arms are compared pair by pair of seeds, with
intervals that hold for few seeds, corrected for the number of arms, and with a verdict in words. The statistics
(:mod:`entreg.compare.stats`) take plain arrays, so they serve any other collection of results as well. Needs no trainer
and no GPU.

What stands in ``__all__`` is imported when it is first asked for: the statistics alone need no PyTorch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from entreg.compare.analysis import Analysis, analyse
    from entreg.compare.convergence import Convergence, convergence_of
    from entreg.compare.curves import Curve, read_curves
    from entreg.compare.library import ComparedArms, compare_arms
    from entreg.compare.measures import Measure, measure_of, measures_of
    from entreg.compare.result import Result, read_logits, read_result
    from entreg.compare.study import Study, read_studies, read_study

__all__ = [
    "Analysis",
    "ComparedArms",
    "Convergence",
    "Curve",
    "Measure",
    "Result",
    "Study",
    "analyse",
    "compare_arms",
    "convergence_of",
    "measure_of",
    "measures_of",
    "read_curves",
    "read_logits",
    "read_result",
    "read_studies",
    "read_study",
]

_MODULES = {
    "analysis": ("Analysis", "analyse"),
    "convergence": ("Convergence", "convergence_of"),
    "curves": ("Curve", "read_curves"),
    "library": ("ComparedArms", "compare_arms"),
    "measures": ("Measure", "measure_of", "measures_of"),
    "result": ("Result", "read_logits", "read_result"),
    "study": ("Study", "read_studies", "read_study"),
}


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
