"""Simulated studies: what n seeds of several arms do on the same random test images, the truth being known."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import pytest
from scipy import stats

from entreg.compare import Analysis


def correct(
    rng: np.random.Generator,
    seeds: int,
    images: int,
    accuracies: tuple[float, ...],
    *,
    shared: float = 0.5,
    arm: float = 0.2,
    seed: float = 0.005,
) -> np.ndarray:
    """Which images are classified correctly, ``(arms, seeds, images)`` bool, each arm at its expected accuracy.

    A latent normal score falls below a threshold. Its variance is split between the image's difficulty for all arms
    (``shared``), for one arm (``arm``), the luck of a training seed (``seed``) and of a seed on an image (the rest):
    over seeds and images alike, the probability of a correct answer is the accuracy asked for.
    """
    arms = len(accuracies)
    noise = 1 - shared - arm - seed
    score = np.sqrt(shared) * rng.standard_normal((1, 1, images), dtype=np.float32)
    score = score + np.sqrt(arm) * rng.standard_normal((arms, 1, images), dtype=np.float32)
    score = score + np.sqrt(seed) * rng.standard_normal((arms, seeds, 1), dtype=np.float32)
    score = score + np.sqrt(noise) * rng.standard_normal((arms, seeds, images), dtype=np.float32)
    return score < stats.norm.ppf(accuracies)[:, None, None]


def within_binomial_error(rate: float, expected: float, studies: int) -> bool:
    """Whether a rate seen in so many studies is within 3 standard errors of the expected one."""
    return abs(rate - expected) <= 3 * np.sqrt(expected * (1 - expected) / studies)


def assert_equal(found: Analysis, expected: Analysis) -> None:
    """Assert that two analyses of the same predictions have the same numbers, to 1e-12 of their size."""
    assert (found.baseline, list(found.primary)) == (expected.baseline, list(expected.primary))
    assert found.measures == expected.measures
    for numbers in ("values", "estimates", "comparisons", "with_failures"):
        ours, theirs = (_plain(getattr(analysis, numbers)) for analysis in (found, expected))
        assert ours.keys() == theirs.keys()
        for key, number in ours.items():
            if isinstance(number, float):
                assert number == pytest.approx(theirs[key], rel=1e-12, abs=1e-12, nan_ok=True), key
            else:
                assert number == theirs[key], key


def _plain(found: object, name: str = "") -> dict[str, object]:
    """Numbers and words in nested mappings, sequences and dataclasses, by their path."""
    if dataclasses.is_dataclass(found) and not isinstance(found, type):
        found = {field.name: getattr(found, field.name) for field in dataclasses.fields(found)}
    if isinstance(found, Mapping):
        return {path: value for key, part in found.items() for path, value in _plain(part, f"{name}/{key}").items()}
    if isinstance(found, tuple | list):
        return {path: value for i, part in enumerate(found) for path, value in _plain(part, f"{name}/{i}").items()}
    return {name: found}
