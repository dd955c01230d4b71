"""A world of which everything is known: samples with their true class probabilities, and networks that err about them.

A sample is a vector u of true log-odds, its class is drawn from softmax(u). A run of an arm sees

.. math:: z = \\lambda e^{s} \\bigl(u + \\sigma e^{t} (\\sqrt{a}\\, g + \\sqrt{1 - a}\\, e)\\bigr)

with g what all seeds of the arm see wrongly in a sample, e what this seed does, and s, t the luck of the seed: samples,
arms and seeds all vary, and vary together, as they do where networks are trained.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import log_softmax, softmax
from scipy.stats import rankdata

from entreg.compare.arrays import study_of
from entreg.compare.study import Study
from entreg.metrics import fit_temperature

Floats = NDArray[np.float32]

CLASSES, SPREAD, SPREAD_OUTSIDE = 5, 10.0, 4.0  # standard deviation of u, on test and on another data set
OF_ARM = 0.3  # a
LUCK_OF_SHARPNESS, LUCK_OF_NOISE = 0.08, 0.1
SETS = {"test": (500, SPREAD), "val": (500, SPREAD), "ood-noise": (250, SPREAD_OUTSIDE)}  # samples, and of u
BINS = 15


@dataclass(frozen=True)
class Arm:
    """An arm: how far its logits are from the truth, sigma, and how sharp they are, lambda; 0 and 1 are the truth."""

    noise: float = 2.0
    sharpness: float = 1.0


@dataclass(frozen=True, eq=False)
class Drawn:
    """The predictions of one study: by name of a set the logits of each arm's seeds, and the targets."""

    logits: dict[str, dict[str, list[Floats]]]
    targets: dict[str, NDArray[np.int64]]

    def study(self, seeds: int, lost: tuple[str, int] | None = None) -> Study:
        """The study that the first seeds make, without a run that is lost."""
        kept = {
            arm: [None if (arm, seed) == lost else run for seed, run in enumerate(runs[:seeds])]
            for arm, runs in self.logits["test"].items()
        }
        if "val" not in self.logits:
            return study_of(kept, self.targets["test"])
        validation = self.logits["val"], self.targets["val"]
        return study_of(kept, self.targets["test"], validation=validation, ood={"noise": self.logits["ood-noise"]})


def draw(rng: np.random.Generator, arms: Mapping[str, Arm], seeds: int, sets: Sequence[str] = tuple(SETS)) -> Drawn:
    """Draw a study: samples that all arms share, and the logits of each arm's seeds."""
    luck = {arm: rng.standard_normal((seeds, 2), dtype=np.float32) for arm in arms}
    drawn = Drawn({}, {})
    for set_name in sets:
        samples, spread = SETS[set_name]
        odds = spread * rng.standard_normal((samples, CLASSES), dtype=np.float32)
        drawn.logits[set_name] = {
            name: [_seen(rng, arm, odds, of_arm, of_seed) for of_seed in luck[name]]
            for name, arm in arms.items()
            for of_arm in [rng.standard_normal(odds.shape, dtype=np.float32)]
        }
        drawn.targets[set_name] = (odds + rng.gumbel(size=odds.shape)).argmax(1)
    return drawn


@cache
def truth(arm: Arm, seeds: int = 400, samples: int = 20_000) -> dict[str, float]:
    """What the arm scores in expectation over seeds and samples, by measure, in the units of the tables.

    A sample counts with its true probabilities instead of a class that is drawn, and every seed has samples of its own,
    so that little is left to chance: of the accuracy a hundredth of a point. Temperatures are fitted on as many samples
    as in a study.
    """
    rng = np.random.default_rng(1)
    found = [_scores(rng, arm, samples) for _ in range(seeds)]
    return {key: float(np.mean([of_seed[key] for of_seed in found])) for key in found[0]}


def with_accuracy(base: Arm, difference: float, samples: int = 200_000) -> Arm:
    """The arm that is like ``base``, but whose accuracy is so many points higher or lower, in expectation."""
    rng = np.random.default_rng(2)
    odds = SPREAD * rng.standard_normal((samples, CLASSES), dtype=np.float32)
    error = rng.standard_normal(odds.shape, dtype=np.float32)
    error *= np.exp(LUCK_OF_NOISE * rng.standard_normal((samples, 1), dtype=np.float32))
    probabilities = softmax(odds, axis=1)

    def accuracy(noise: float) -> float:
        chosen = (odds + np.float32(noise) * error).argmax(1)
        return 100 * float(np.take_along_axis(probabilities, chosen[:, None], 1).mean(dtype=np.float64))

    wanted = accuracy(base.noise) + difference
    return Arm(float(brentq(lambda noise: accuracy(noise) - wanted, 0, 20 * base.noise, xtol=1e-5)), base.sharpness)


def _seen(rng: np.random.Generator, arm: Arm, odds: Floats, of_arm: Floats, luck: Floats) -> Floats:
    """The logits of one seed, float32."""
    error = np.sqrt(np.float32(OF_ARM)) * of_arm
    error = error + np.sqrt(np.float32(1 - OF_ARM)) * rng.standard_normal(odds.shape, dtype=np.float32)
    sharpness = np.float32(arm.sharpness) * np.exp(LUCK_OF_SHARPNESS * luck[0])
    noise = np.float32(arm.noise) * np.exp(LUCK_OF_NOISE * luck[1])
    return np.asarray(sharpness * (odds + noise * error), dtype=np.float32)


def _scores(rng: np.random.Generator, arm: Arm, samples: int) -> dict[str, float]:
    """What one seed scores, over very many samples."""
    luck = rng.standard_normal(2, dtype=np.float32)
    sets = []
    for size, spread in ((samples, SPREAD), SETS["val"], (samples, SPREAD_OUTSIDE)):
        odds = spread * rng.standard_normal((size, CLASSES), dtype=np.float32)
        sets.append((odds, _seen(rng, arm, odds, rng.standard_normal(odds.shape, dtype=np.float32), luck)))
    (odds, logits), (known, validation), (_, outside) = sets
    targets = (known + rng.gumbel(size=known.shape)).argmax(1)
    temperature = fit_temperature(torch.from_numpy(validation), torch.from_numpy(targets))
    probabilities = softmax(odds, axis=1)
    found = _of_probabilities(logits, probabilities)
    found |= {f"{key}@T": value for key, value in _of_probabilities(logits / temperature, probabilities).items()}
    ranks = rankdata(np.concatenate([softmax(part, axis=1).max(1) for part in (logits, outside)]))[: len(logits)]
    area = (ranks.mean() - (len(logits) + 1) / 2) / len(outside)
    right = np.take_along_axis(probabilities, logits.argmax(1)[:, None], 1)
    return found | {"acc": 100 * float(right.mean()), "auroc:noise": 100 * float(area)}


def _of_probabilities(logits: Floats, probabilities: Floats) -> dict[str, float]:
    """NLL, Brier score and squared calibration error in 1e-4, by the true probabilities of the samples."""
    log_q = log_softmax(logits.astype(np.float64), axis=1)
    q = np.exp(log_q)
    confidence, right = q.max(1), np.take_along_axis(probabilities, logits.argmax(1)[:, None], 1)[:, 0]
    bins = np.minimum((BINS * confidence).astype(int), BINS - 1)
    gaps = np.bincount(bins, weights=right - confidence)
    counts = np.maximum(np.bincount(bins), 1)
    return {
        "nll": float(-(probabilities * log_q).sum(1).mean()),
        "brier": float(((q - 2 * probabilities) * q).sum(1).mean() + 1),
        "ce2": 1e4 * float((gaps**2 / counts).sum() / len(q)),
    }
