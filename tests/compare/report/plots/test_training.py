"""Curves show the means of the study and the range of its seeds."""

from __future__ import annotations

import numpy as np

from entreg.compare import Analysis, convergence_of
from entreg.compare.report import plots


def test_learning_curves_are_means_with_the_range_of_the_seeds(analysis: Analysis) -> None:
    (ax,) = plots.learning_curves(convergence_of(analysis.study)).axes
    assert [line.get_label() for line in ax.lines] == list(analysis.study.arms)
    assert ax.lines[0].get_xdata().tolist() == [9, 19, 29]
    assert np.allclose(ax.lines[0].get_ydata(), [0.515, 0.615, 0.715])
    low, high = ax.collections[0].get_paths()[0].get_extents().get_points()[:, 1]
    assert np.allclose([low, high], [0.5, 0.73])
    assert len(ax.collections) == 3


def test_coefficients_have_a_panel_each(analysis: Analysis) -> None:
    figure = plots.coefficients(convergence_of(analysis.study))
    assert [ax.get_title() for ax in figure.axes] == ["coefficient of CE"]
    assert plots.coefficients({}) is None


def test_without_runs_there_is_no_curve() -> None:
    assert plots.learning_curves({"mix_ent": []}) is None
