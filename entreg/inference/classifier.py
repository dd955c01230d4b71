"""A trained network with its classes, preprocessing and temperature."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from entreg.classifier import Classifier
from entreg.data.images.ink import Polarity
from entreg.data.images.pictures import as_inputs, normalised, picture_files
from entreg.data.source import described_shape
from entreg.data.texts.encoder import encoded
from entreg.data.vectors.prepared import standardised
from entreg.errors import DataError
from entreg.inference.predictions import Predictions

Samples = Tensor | NDArray[Any] | str | os.PathLike[str] | Sequence[str | os.PathLike[str]]

_DTYPES = {"16": torch.float16, "bf16": torch.bfloat16, "32": torch.float32, "64": torch.float64}
_BATCH = 512  # samples of one evaluation batch on a CPU


@dataclass(frozen=True)
class TrainedClassifier:
    """A run's classifier in evaluation mode.

    Attributes:
        module: the network and its loss; ``module.to("cuda")`` moves both.
        classes: names of the classes.
        temperature: what logits are divided by to calibrate them, fitted on validation; NaN where it is undetermined.
        precision: precision of the run, as Lightning calls it.
        data: description of the data in the run's summary.
    """

    module: Classifier
    classes: tuple[str, ...]
    temperature: float
    precision: str
    data: dict[str, Any]

    @property
    def net(self) -> nn.Module:
        """The network: normalised inputs ``(N, ...)`` float32 to logits ``(N, C)``."""
        assert self.module.net is not None
        return self.module.net

    @property
    def takes_images(self) -> bool:
        """Whether inputs are images, which are uint8 before they are normalised."""
        return "image_shape" in self.data

    @property
    def takes_vectors(self) -> bool:
        """Whether inputs are vectors, which are standardised; those of texts are."""
        return "mean" in self.data and not self.takes_images

    @property
    def takes_texts(self) -> bool:
        """Whether texts are encoded to such vectors."""
        return "encoder" in self.data

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input."""
        return described_shape(self.data)

    def preprocess(self, samples: Samples, polarity: Polarity = "auto") -> Tensor:
        """Bring samples to what :attr:`net` takes, ``(N, ...)`` float32.

        Args:
            samples: of images, a picture file, a folder of them or a sequence of files, prepared as ``entreg predict``
                does, or ``(N, C, H, W)`` uint8 as the data set holds them, which are normalised; of texts, one or a
                sequence of them, which the run's encoder encodes; of vectors and encoded texts, features ``(N, D)`` as
                the data set holds them, which are standardised; of all else, inputs ``(N, ...)`` floating point, as
                images may be too, that are normalised already.
            polarity: of letters in files: ``"dark"`` or ``"light"`` ink, or ``"auto"``, to be found out.

        Raises:
            DataError: if a file is no picture, the run takes no pictures, or the samples have another shape or are
                not finite.
        """
        if self.takes_texts and isinstance(samples, np.ndarray) and samples.dtype.kind in "UO":
            samples = samples.tolist()
        if self.takes_texts and not isinstance(samples, Tensor | np.ndarray):
            texts: list[Any] = [samples] if isinstance(samples, str | os.PathLike) else list(samples)
            samples = encoded(texts, self.data["encoder"])
        if isinstance(samples, str | os.PathLike):
            samples = picture_files(Path(samples))
        if not isinstance(samples, Tensor | np.ndarray):
            return as_inputs([Path(path) for path in samples], self.data, polarity)
        inputs = torch.as_tensor(samples)
        raw = self.takes_vectors or (inputs.dtype == torch.uint8 and self.takes_images)
        if inputs.shape[1:] != self.input_shape or not (raw or inputs.is_floating_point()):
            expected = ", ".join(map(str, self.input_shape))
            raise DataError(
                f"samples are {inputs.dtype} {tuple(inputs.shape)}, expected (N, {expected}) "
                f"{'as the data set holds them' if self.takes_vectors else 'floating point, normalised'}"
                f"{', or uint8 as the data set holds them' if self.takes_images else ''}"
            )
        broken = (~inputs.isfinite()).flatten(1).any(1).nonzero().flatten().tolist()
        if broken:
            others = f", and so are {len(broken) - 1} others" if broken[1:] else ""
            raise DataError(f"sample {broken[0]} (of 0 to {len(inputs) - 1}) is NaN or infinite somewhere{others}")
        return normalise(inputs, self.data) if raw else inputs.float()

    def logits(
        self, samples: Samples, polarity: Polarity = "auto", precision: str = "32-true", batch_size: int = _BATCH
    ) -> Tensor:
        """Return logits ``(N, C)`` float32 on the CPU.

        With ``precision=classifier.precision``, and the ``batch_size`` of the run's evaluation, they are those in
        ``predictions/test.npz``, on the same kind of device.

        Args:
            samples, polarity: see :meth:`preprocess`.
            precision: one of Lightning's.
            batch_size: samples at once.

        Raises:
            DataError: see :meth:`preprocess`.
            ValueError: on an unknown precision.
        """
        dtype, mixed = _parsed(precision)
        module = self.module if mixed or dtype == torch.float32 else copy.deepcopy(self.module).to(dtype)
        device = next(module.parameters()).device
        autocast = torch.autocast(device.type, dtype) if mixed else nullcontext()
        with torch.no_grad(), _evaluating(module):
            batches = self.preprocess(samples, polarity).split(batch_size)  # texts without autocast, as trained
            with autocast:
                return torch.cat([module(batch.to(device)).float().cpu() for batch in batches])

    def predict(self, samples: Samples, polarity: Polarity = "auto") -> Predictions:
        """Classify samples in float32; arguments and errors are those of :meth:`preprocess`."""
        return Predictions(self.logits(samples, polarity).numpy(), self.temperature, self.classes)


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Have a module in evaluation mode, and leave each part of it in the mode that it had."""
    training = [part for part in module.modules() if part.training]
    module.eval()
    try:
        yield
    finally:
        for part in training:
            part.training = True


def normalise(inputs: Tensor, data: Mapping[str, Any]) -> Tensor:
    """Bring inputs ``(N, ...)`` as a data set holds them to what its network takes, float32."""
    if "image_shape" in data:
        return normalised(inputs, data)
    return standardised(inputs, data) if "mean" in data else inputs.float()


def _parsed(precision: str) -> tuple[torch.dtype, bool]:
    """Return the dtype of a precision, and whether the weights keep theirs."""
    width, _, kind = precision.partition("-")
    kind = kind or ("mixed" if width in ("16", "bf16") else "true")
    if width not in _DTYPES or kind not in ("mixed", "true"):
        raise ValueError(f"precision must be 32-true, 64-true, or bf16 or 16 with -mixed or -true, got {precision!r}")
    return _DTYPES[width], kind == "mixed"
