"""The interval over seeds and images: its formula by hand, its limits, its coverage by simulation."""

import numpy as np
import pytest

from entreg.compare.stats.hierarchical import hierarchical_estimate, image_covariance
from entreg.compare.stats.intervals import paired_estimate
from entreg.compare.stats.jackknife import of_auroc, of_calibration, of_mean
from tests.compare.studies import correct, within_binomial_error

STUDIES = 1000


def compare(arm, baseline):
    """Of per-image values (n, N)."""
    contributions = [of_mean(a - b).images for a, b in zip(arm, baseline, strict=True)]
    return hierarchical_estimate(arm.mean(1), baseline.mean(1), contributions)


@pytest.mark.parametrize("shared", [0, 2])
def test_standard_error_by_hand(shared):
    arm, baseline = np.random.default_rng(0).random((2, 4, 50))
    arm += shared * np.random.default_rng(1).random(50)  # what the images do to all seeds
    d = arm - baseline
    covariance = np.cov(d) / 50
    images = covariance[~np.eye(4, dtype=bool)].mean()
    assert (images > 0) == (shared > 0)
    seeds = d.mean(1).var(ddof=1) / 4
    estimate = compare(arm, baseline)
    assert estimate.mean == pytest.approx(d.mean(), rel=1e-12)
    assert estimate.image_variance == pytest.approx(max(images, 0), rel=1e-9)
    assert estimate.standard_error**2 == pytest.approx(seeds + max(images, 0), rel=1e-9)
    assert estimate.share == pytest.approx(seeds / (seeds + max(images, 0)), rel=1e-9)


def test_without_common_images_it_is_the_paired_t_test():
    a, b = np.random.default_rng(0).random((2, 5))
    estimate, expected = hierarchical_estimate(a, b, np.zeros((5, 3))), paired_estimate(a, b)
    assert estimate.interval == pytest.approx(expected.interval, rel=1e-12)
    assert estimate.p == pytest.approx(expected.p, rel=1e-12)


def test_p_is_small_where_the_interval_excludes_zero():
    rng = np.random.default_rng(0)
    for values in rng.normal(0.3, 0.3, (300, 3)):
        estimate = hierarchical_estimate(values, np.zeros(3), 0.1 * np.array([[1.0, -1.0]] * 3))
        assert (estimate.p < 0.05) == (not estimate.interval.low <= 0 <= estimate.interval.high)


def test_negative_covariance_counts_as_none():
    assert image_covariance(np.array([[1.0, -1.0], [-1.0, 1.0]])) == 0


@pytest.mark.parametrize("n", [0, 1])
def test_less_than_two_seeds_have_no_interval(n):
    estimate = hierarchical_estimate(np.ones(n), np.zeros(n), np.ones((n, 4)))
    assert (estimate.n, estimate.mean) == (n, 1.0 if n else None)
    assert (estimate.standard_error, estimate.interval, estimate.p, estimate.image_variance) == (None,) * 4


def test_differences_that_do_not_vary_have_no_interval():
    estimate = hierarchical_estimate([0.9, 0.8], [0.8, 0.7], np.ones((2, 4)))
    assert estimate.sd == 0
    assert estimate.interval is None


def test_other_arguments_are_refused():
    with pytest.raises(ValueError, match="one row of each seed"):
        hierarchical_estimate([1, 2], [1, 2], np.ones((3, 4)))
    with pytest.raises(ValueError, match="pass common seeds"):
        hierarchical_estimate([1, 2], [1], np.ones((2, 4)))
    with pytest.raises(ValueError, match="not finite"):
        hierarchical_estimate([1, 2], [1, 1], [[np.nan], [1.0]])


# what the seeds have in common (c) over what they have not (s^2 / n), with 3 seeds:  0.1, 0.6, 4
@pytest.mark.parametrize(
    ("n", "variances"),
    [
        (3, {"arm": 0.1, "seed": 0.02}),
        (3, {"arm": 0.4, "seed": 0.001}),
        (5, {"arm": 0.2, "seed": 0.005}),
        (10, {"arm": 0.1, "seed": 0.02}),
    ],
)
def test_interval_covers_the_accuracy_over_seeds_and_images(n, variances):
    rng = np.random.default_rng(n)
    covered = []
    for _ in range(STUDIES):
        baseline, arm = correct(rng, n, 300, (0.90, 0.92), **variances).astype(np.float32)
        ends = compare(arm, baseline).interval
        covered.append(ends is not None and ends.low <= 0.02 <= ends.high)
    assert within_binomial_error(np.mean(covered), 0.95, STUDIES)


def calibration_study(rng, n, temperatures, images=500):
    """Debiased squared calibration error of two arms, one sharper than the other."""
    difficulty, luck = 2 + 1.5 * rng.standard_normal(images), rng.random(images)
    rows = []
    for temperature in temperatures:
        of_arm = difficulty + 0.5 * rng.standard_normal(images)
        for seed in 0.1 * rng.standard_normal(n):
            margin = np.abs(of_arm + 0.5 * rng.standard_normal(images))
            confidence = 1 / (1 + np.exp(-margin * np.exp(seed) / temperature))
            bins = np.minimum((confidence * 15).astype(int), 14)
            rows.append(of_calibration(confidence, luck < 1 / (1 + np.exp(-margin)), bins))
    return rows[n:], rows[:n]


def auroc_study(rng, n, separations, images=80):
    """AUROC of two arms on images in and out of the distribution."""
    inside, outside = rng.standard_normal((2, images))
    rows = []
    for separation in separations:
        of_arm = 0.5 * rng.standard_normal((2, images))
        for seed in 0.1 * rng.standard_normal(n):
            noise = 0.5 * rng.standard_normal((2, images))
            rows.append(of_auroc(inside + of_arm[0] + noise[0] + separation + seed, outside + of_arm[1] + noise[1]))
    return rows[n:], rows[:n]


@pytest.mark.parametrize("n", [3, 10])
@pytest.mark.parametrize(
    ("study", "arms"),
    [(calibration_study, (1.0, 0.7)), (calibration_study, (1.0, 1.0)), (auroc_study, (1.0, 1.2))],
    ids=["calibration", "calibrated", "auroc"],
)
def test_interval_covers_what_is_no_mean_over_images(n, study, arms):
    rng, studies = np.random.default_rng(n), 200
    estimates = []
    for _ in range(studies):
        arm, baseline = study(rng, n, arms)
        contributions = [a.images - b.images for a, b in zip(arm, baseline, strict=True)]
        estimates.append(hierarchical_estimate([a.value for a in arm], [b.value for b in baseline], contributions))
    truth = np.mean([e.mean for e in estimates])  # the estimators are unbiased
    covered = np.mean([e.interval.low <= truth <= e.interval.high for e in estimates])
    assert within_binomial_error(covered, 0.95, studies)
    error = np.sqrt(np.mean([e.standard_error**2 for e in estimates]))
    assert 0.9 < error / np.std([e.mean for e in estimates]) < 1.2


@pytest.mark.parametrize("n", [2, 3, 5, 10])
def test_an_arm_of_its_own_covers_what_new_seeds_score_on_new_images(n):
    studies, rng, covered = 400, np.random.default_rng(n), 0
    for _ in range(studies):
        values = correct(rng, n, 1000, (0.9,)).astype(np.float32)[0]
        phi = [of_mean(of_seed).images for of_seed in values]
        ends = hierarchical_estimate(values.mean(1), np.zeros(n), phi).interval
        covered += ends is None or ends.low <= 0.9 <= ends.high  # None: two seeds alike, and nothing is said
    assert covered / studies >= 0.95 or within_binomial_error(covered / studies, 0.95, studies)
