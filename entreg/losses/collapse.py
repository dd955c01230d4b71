"""How learnt coefficients go wrong, found in what a loss reports of them."""

from __future__ import annotations

import math
from collections.abc import Mapping


def collapses(start: Mapping[str, float], now: Mapping[str, float], share: float = 0.05) -> dict[str, str]:
    r"""Name the ways in which the coefficients of a loss have collapsed.

    * ``"shrinking"``: all of them fell below ``share`` of their start, as :math:`\partial L / \partial c` is the term.
    * ``"negative"``: a free weight passed zero; the loss has no lower bound any more.
    * ``"entropy"``: all but ``share`` of their sum is on H, which any sure prediction minimises, right or wrong.

    A schedule is no collapse: weights and bases are compared, not what a schedule makes of them.

    Args:
        start: ``weight/<term>`` and ``base/<term>`` at the start, as :meth:`Coefficients.observed` names them.
        now: the same at present.
        share: what counts as nothing.

    Returns:
        A sentence in words by the name of each collapse; empty where there is none.

    Example:
        >>> start = {"weight/ce": 1.0, "base/ce": 2.7, "weight/entropy": 0.5, "base/entropy": 2.7}
        >>> now = {**start, "weight/entropy": -0.1}
        >>> collapses(start, now)
        {'negative': 'the weight of entropy is -0.1: the loss has no lower bound below zero'}
    """
    found = {}
    coefficients, before = _coefficients(now), _coefficients(start)
    values = ", ".join(f"{term} {c:.3g}" for term, c in coefficients.items())
    negative = [term for term in coefficients if now[f"weight/{term}"] < 0]
    started = {term: c for term, c in before.items() if c != 0}
    if negative:
        weight = now[f"weight/{negative[0]}"]
        found["negative"] = f"the weight of {negative[0]} is {weight:.3g}: the loss has no lower bound below zero"
    elif started and all(abs(coefficients[term]) < share * abs(c) for term, c in started.items()):
        found["shrinking"] = f"all its coefficients fell below {share:.0%} of their start ({values})"
    elif len(coefficients) > 1 and coefficients.get("entropy", 0.0) > (1 - share) * sum(coefficients.values()):
        found["entropy"] = f"all its weight is on the entropy ({values}), which any sure prediction minimises"
    return found


def _coefficients(observed: Mapping[str, float]) -> dict[str, float]:
    coefficients = {}
    for name, weight in observed.items():
        kind, _, term = name.partition("/")
        if kind == "weight":
            log_base = math.log(observed[f"base/{term}"])
            if log_base == 0:  # float32 rounds a base this close to 1: its coefficient is huge, not infinite
                log_base = math.ulp(1.0)
            coefficients[term] = weight / log_base
    return coefficients
