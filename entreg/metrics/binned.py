"""Scores of bin states from logits, as torchmetrics that sum their states over batches and processes."""

from __future__ import annotations

from typing import Any, get_args

import torch
from torch import Tensor
from torchmetrics import Metric

from entreg.metrics.binning import bin_classes, bin_confidences, bin_moments, probabilities, top_label
from entreg.metrics.brier import brier_decomposition
from entreg.metrics.calibration import Norm, calibration_error, debiased_squared_calibration_error
from entreg.metrics.checks import IGNORE_INDEX
from entreg.metrics.classwise import classwise_calibration_error


class CalibrationError(Metric):
    """Top-label calibration error from logits, by default the expected calibration error (ECE).

    Args:
        bins: number of equally wide bins.
        norm: ``"l1"`` (ECE), ``"l2"`` or ``"max"`` (MCE), see :func:`calibration_error`.
        ignore_index: target of the samples that do not count.
        kwargs: arguments of :class:`torchmetrics.Metric`.

    Shape:
        logits ``(N, C)`` floating point; target ``(N,)`` class indices; result scalar float64 in [0, 1].

    Raises:
        ValueError: if ``bins`` is below 1 or the norm unknown; in ``update``, if a target is neither a class nor
            ignored.

    Example:
        >>> metric = CalibrationError(bins=10)
        >>> metric.update(torch.tensor([[0.0, 0.0], [50.0, 0.0]]), torch.tensor([0, 0]))
        >>> metric.compute()
        tensor(0.2500, dtype=torch.float64)
    """

    is_differentiable = False
    higher_is_better = False
    full_state_update = False
    state: Tensor

    def __init__(self, bins: int = 15, norm: Norm = "l1", ignore_index: int = IGNORE_INDEX, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if bins < 1:
            raise ValueError(f"bins must be >= 1, got {bins}")
        if norm not in get_args(Norm):
            raise ValueError(f"norm must be one of {', '.join(map(repr, get_args(Norm)))}, got {norm!r}")
        self.bins = bins
        self.ignore_index = ignore_index
        self.norm: Norm = norm
        self.add_state("state", torch.zeros(3, bins, dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, logits: Tensor, target: Tensor) -> None:
        """Add a batch."""
        self.state += bin_confidences(*top_label(logits, target, self.ignore_index), self.bins)

    def compute(self) -> Tensor:
        """Return the error over all batches."""
        return calibration_error(self.state, self.norm)


class DebiasedCalibrationError(CalibrationError):
    """Debiased squared top-label calibration error from logits, see :func:`debiased_squared_calibration_error`.

    Args:
        bins: number of equally wide bins.
        ignore_index: target of the samples that do not count.
        kwargs: arguments of :class:`torchmetrics.Metric`.

    Shape:
        logits ``(N, C)`` floating point; target ``(N,)`` class indices; result scalar float64, which may be negative.
    """

    def __init__(self, bins: int = 15, ignore_index: int = IGNORE_INDEX, **kwargs: Any) -> None:
        super().__init__(bins, norm="l2", ignore_index=ignore_index, **kwargs)

    def compute(self) -> Tensor:
        """Return the squared error over all batches."""
        return debiased_squared_calibration_error(self.state)


class ClasswiseCalibrationError(Metric):
    """Class-wise expected calibration error from logits.

    Args:
        num_classes: number of classes C.
        bins: number of equally wide bins of each class.
        ignore_index: target of the samples that do not count.
        kwargs: arguments of :class:`torchmetrics.Metric`.

    The sums are float64; those of tiny probabilities round, so batching may change the last digits of the result.

    Shape:
        logits ``(N, C)`` floating point; target ``(N,)`` class indices; result scalar float64 in [0, 1].

    Raises:
        ValueError: if ``bins`` or ``num_classes`` is below 1; in ``update``, if a target is neither a class nor
            ignored.

    Example:
        >>> metric = ClasswiseCalibrationError(num_classes=2, bins=10)
        >>> metric.update(torch.tensor([[0.0, 0.0], [50.0, 0.0]]), torch.tensor([0, 0]))
        >>> metric.compute()
        tensor(0.2500, dtype=torch.float64)
    """

    is_differentiable = False
    higher_is_better = False
    full_state_update = False
    state: Tensor

    def __init__(self, num_classes: int, bins: int = 15, ignore_index: int = IGNORE_INDEX, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for name, value in (("num_classes", num_classes), ("bins", bins)):
            if value < 1:
                raise ValueError(f"{name} must be >= 1, got {value}")
        self.bins = bins
        self.ignore_index = ignore_index
        self.add_state("state", torch.zeros(3, num_classes, bins, dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, logits: Tensor, target: Tensor) -> None:
        """Add a batch."""
        self.state += bin_classes(probabilities(logits), target, self.bins, self.ignore_index)

    def compute(self) -> Tensor:
        """Return the error over all batches."""
        return classwise_calibration_error(self.state)


class TopLabelBrier(Metric):
    """Top-label Brier score and its parts from logits.

    Args:
        bins: number of equally wide bins of confidence.
        ignore_index: target of the samples that do not count.
        kwargs: arguments of :class:`torchmetrics.Metric`.

    Shape:
        logits ``(N, C)`` floating point; target ``(N,)`` class indices; result a dict of scalars float64 with the
        fields of :class:`BrierDecomposition`.

    Raises:
        ValueError: if ``bins`` is below 1; in ``update``, if a target is neither a class nor ignored.
    """

    is_differentiable = False
    full_state_update = False
    state: Tensor

    def __init__(self, bins: int = 15, ignore_index: int = IGNORE_INDEX, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if bins < 1:
            raise ValueError(f"bins must be >= 1, got {bins}")
        self.bins = bins
        self.ignore_index = ignore_index
        self.add_state("state", torch.zeros(5, bins, dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, logits: Tensor, target: Tensor) -> None:
        """Add a batch."""
        self.state += bin_moments(*top_label(logits, target, self.ignore_index), self.bins)

    def compute(self) -> dict[str, Tensor]:
        """Return the score and its parts over all batches."""
        return brier_decomposition(self.state)._asdict()
