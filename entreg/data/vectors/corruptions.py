"""Corruptions of test features at five severities, a whole batch at once, as functions of (seed, sample id)."""

from __future__ import annotations

from torch import Tensor

from entreg.data.vectors.windows import drawn_normal, drawn_starts, drawn_uniform, windows

# How strong each is at severities 1 to 5.
_LEVELS: dict[str, tuple[float, ...]] = {
    "noise": (0.25, 0.5, 0.75, 1.0, 1.5),
    "masking": (0.1, 0.2, 0.3, 0.4, 0.5),
}
NAMES = tuple(_LEVELS)


class VectorCorruptions:
    """Apply any corruption to any batch; a sample's damage does not depend on the batch it stands in.

    ========  =======================================================  ===================
    name      what it does                                             at severity 1 .. 5
    ========  =======================================================  ===================
    noise     Gaussian, its sd as a multiple of the feature's          0.25 .. 1.5
    masking   a share of the features become their mean, categories    0.1 .. 0.5
              none
    ========  =======================================================  ===================

    The draws of a sample are the same at all severities, so that these differ in strength alone.

    Args:
        n: number of samples of the set; ids run below it.
        mean: of each feature in training, ``(D,)``.
        std: standard deviation, likewise.
        seed: seed of all draws, the same for all runs of a study.
    """

    def __init__(self, n: int, mean: Tensor, std: Tensor, seed: int) -> None:
        self.mean, self.std = mean, std
        self._starts = drawn_starts(n, seed, "corruption")
        self._normal = drawn_normal(len(mean), seed, "corruption")
        self._uniform = drawn_uniform(len(mean), seed, "corruption")

    def __call__(self, name: str, severity: int, features: Tensor, ids: Tensor) -> Tensor:
        """Return the corrupted features, of the same shape.

        Args:
            name: ``"noise"`` or ``"masking"``.
            severity: 1 to 5.
            features: ``(N, D)``, not standardised.
            ids: ids of the samples, ``(N,)``.
        """
        level, width = _LEVELS[name][severity - 1], features.shape[1]
        table = self._normal if name == "noise" else self._uniform
        draw = windows(table, self._starts[ids.cpu()], width).to(features.device)
        if name == "noise":
            return features + level * self.std.to(features.device) * draw
        return features.where(draw >= level, self.mean.to(features.device))
