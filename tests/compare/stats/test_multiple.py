"""Holm's correction against statsmodels."""

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from entreg.compare.stats.multiple import holm


def test_equals_statsmodels():
    for p in ([0.02], [0.0, 0.0, 1.0], [0.01, 0.01, 0.04, 0.04], [1.0, 1.0], [0.04, 0.02, 0.03]):
        assert holm(p) == pytest.approx(multipletests(p, method="holm")[1].tolist(), abs=1e-12), p


def test_equals_statsmodels_on_random_values():
    for n in (1, 2, 3, 5, 8, 20):
        p = np.random.default_rng(n).beta(0.3, 2, n)
        adjusted = np.array(holm(p.tolist()))
        np.testing.assert_allclose(adjusted, multipletests(p, method="holm")[1], atol=1e-12)
        assert (adjusted >= p).all()
        assert (np.diff(adjusted[p.argsort()]) >= 0).all()


def test_what_could_not_be_tested_is_not_counted():
    assert holm([None, 0.03, None]) == [None, 0.03, None]
    assert holm([]) == []


@pytest.mark.parametrize("bad", [-0.1, 1.1, float("nan")])
def test_other_numbers_are_refused(bad):
    with pytest.raises(ValueError, match=r"expected numbers in \[0, 1\]"):
        holm([0.5, bad])
