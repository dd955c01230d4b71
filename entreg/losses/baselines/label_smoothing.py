"""Label smoothing."""

from __future__ import annotations

from typing_extensions import Unpack

from entreg.losses.baselines.base import Options
from entreg.losses.checks import check_range
from entreg.losses.entropy import CrossEntropyLoss


class LabelSmoothingLoss(CrossEntropyLoss):
    r"""Cross-entropy against :math:`(1 - s)\,q + s / C` (Szegedy et al. 2016, arXiv 1512.00567, section 7).

    :class:`torch.nn.CrossEntropyLoss` with ``label_smoothing``, under a name. Every class is a target, so a logit of
    ``-inf`` makes it infinite.

    Args:
        smoothing: :math:`s \in [0, 1]`; 0 is cross-entropy.
        options: what :class:`entreg.losses.CrossEntropyLoss` takes besides.

    Shape:
        as :class:`ClassificationLoss`.

    Raises:
        ValueError: if ``smoothing`` is outside [0, 1].

    Example:
        >>> import torch
        >>> LabelSmoothingLoss(smoothing=0.5)(torch.tensor([[1.0, 0.0]]), torch.tensor([0]))
        tensor(0.5633)
    """

    def __init__(self, smoothing: float = 0.1, **options: Unpack[Options]) -> None:
        check_range("smoothing", smoothing, 0.0, 1.0)
        super().__init__(label_smoothing=smoothing, **options)
