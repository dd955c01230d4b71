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
    if negative := {term: now[f"weight/{term}"] for term in coefficients if now[f"weight/{term}"] < 0}:
        term, weight = next(iter(negative.items()))
        found["negative"] = f"the weight of {term} is {weight:.3g}: the loss has no lower bound below zero"
    elif any(before.values()) and all(abs(coefficients[term]) < share * abs(c) for term, c in before.items() if c):
        found["shrinking"] = f"all its coefficients fell below {share:.0%} of their start ({values})"
    elif len(coefficients) > 1 and coefficients.get("entropy", 0.0) > (1 - share) * sum(coefficients.values()):
        found["entropy"] = f"all its weight is on the entropy ({values}), which any sure prediction minimises"
    return found


def _coefficients(observed: Mapping[str, float]) -> dict[str, float]:
    terms = [name.partition("/")[2] for name in observed if name.startswith("weight/")]
    # A base that float32 rounds to 1 has the largest coefficient, not an error.
    log_bases = {term: math.log(observed[f"base/{term}"]) or math.ulp(1.0) for term in terms}
    return {term: observed[f"weight/{term}"] / log_bases[term] for term in terms}
