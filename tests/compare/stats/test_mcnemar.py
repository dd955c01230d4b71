"""McNemar's exact test against statsmodels."""

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar as oracle

from entreg.compare.stats.mcnemar import McNemar, mcnemar


@pytest.mark.parametrize("seed", [0, 1, 9])
def test_equals_statsmodels(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.random((2, 50 * (seed + 1))) < np.array([[0.9], [0.8]])
    table = [[(a & b).sum(), (a & ~b).sum()], [(~a & b).sum(), (~a & ~b).sum()]]
    result = mcnemar(a, b)
    assert (result.only_a, result.only_b) == (table[0][1], table[1][0])
    assert result.p == pytest.approx(oracle(table, exact=True).pvalue, abs=1e-12)


def test_checkpoints_that_never_disagree():
    assert mcnemar([True, False], [True, False]) == McNemar(0, 0, 1.0)
    assert mcnemar(np.ones(0, bool), np.ones(0, bool)) == McNemar(0, 0, 1.0)


def test_words_are_about_checkpoints():
    assert "not about their losses" in mcnemar([True, True], [False, True]).describe("a", "b")


@pytest.mark.parametrize(
    ("a", "b"), [([1, 0], [1, 0]), ([True], [True, False]), ([[True]], [[True]])], ids=["ints", "lengths", "shape"]
)
def test_other_arrays_are_refused(a, b):
    with pytest.raises(ValueError, match="expected two bool arrays"):
        mcnemar(a, b)
