"""A run's network as a file for other programs: ONNX, or PyTorch's own ``torch.export``."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from entreg.errors import ConfigError, RunError
from entreg.files import atomic_path
from entreg.inference import TrainedClassifier, normalise

LARGEST_DIFFERENCE = 1e-4  # of a logit, of the largest logit where that is more than 1
_NEEDED = ("onnx", "onnxscript", "onnxruntime")
_SAMPLES = 7  # of the batch that is compared; another size than that of the batch that is traced


class Exported(nn.Module):
    """The network with what it takes for granted: inputs as a data set holds them to logits ``(N, C)`` float32.

    Args:
        classifier: a run's classifier.

    Shape:
        images ``(N, C, H, W)`` uint8, which are normalised; features ``(N, D)`` float32 of vectors and encoded texts,
        which are standardised; or, of a run that was trained on anything else, inputs ``(N, ...)`` float32 as they were
        in training.
    """

    def __init__(self, classifier: TrainedClassifier) -> None:
        super().__init__()
        self.net = copy.deepcopy(classifier.net).to(memory_format=torch.contiguous_format)
        self.data = classifier.data

    def forward(self, input: Tensor) -> Tensor:
        """Return logits."""
        return self.net(normalise(input, self.data))


def export(classifier: TrainedClassifier, target: Path) -> float:
    """Write a run's float32 network to a file, for batches of any size, once it gives the same logits there.

    What is known of it, :func:`metadata`, is in the ``metadata_props`` of an ONNX file, each value as JSON, and in the
    extra file ``entreg.json`` of one of ``torch.export``.

    Args:
        classifier: a run's classifier, on the CPU.
        target: file to write, ``.onnx`` or ``.pt2``.

    Returns:
        the largest difference of a logit between the file and the network, on seven inputs of noise.

    Raises:
        ConfigError: on another suffix, or if a package is not installed.
        RunError: if the file cannot be written, the network not be exported, or a logit differs by more than 1e-4, or
            by that share of the largest where it is above 1.
    """
    write, run = _format(target)
    module = Exported(classifier).eval()
    inputs = _noise(classifier, _SAMPLES)
    expected = classifier.logits(inputs)
    with atomic_path(target) as part:
        try:
            program = torch.export.export(
                module, (_noise(classifier, 2),), dynamic_shapes={"input": {0: torch.export.Dim("batch")}}
            )
            write(program, part, metadata(classifier))
        except (RuntimeError, ValueError) as error:
            said = str(error).strip().splitlines()[0]
            name = type(classifier.net).__name__
            raise RunError(f"{target}: the network {name} cannot be exported ({said})") from error
        difference = (run(part, inputs) - expected).abs().max().item()
        allowed = LARGEST_DIFFERENCE * max(1.0, expected.abs().max().item())
        if not difference <= allowed:
            raise RunError(
                f"{target}: is not written, its logits differ by {difference:.1g} from those of the network, expected "
                f"at most {allowed:.1g}"
            )
    return difference


def metadata(classifier: TrainedClassifier) -> dict[str, Any]:
    """Return what a program has to know that uses the file, in plain values.

    They are ``classes``, names in the order of the logits; ``temperature``, what logits are to be divided by for
    calibrated probabilities, or null; ``input``, in words; and ``data``, the description of the data in the run's
    summary: the shape of an image, mean and standard deviation (of pixels in 0..1; the file applies them), whether
    images are ``transposed``, and whether they show ``ink``, light letters fitted into 24 of 28 pixels.
    """
    shape, dtype = ", ".join(map(str, classifier.input_shape)), "uint8" if classifier.takes_images else "float32"
    return {
        "classes": list(classifier.classes),
        "temperature": None if math.isnan(classifier.temperature) else classifier.temperature,
        "input": f"(N, {shape}) {dtype}, as the data set holds them",
        "data": classifier.data,
    }


_Writer = Callable[[torch.export.ExportedProgram, Path, dict[str, Any]], None]
_Runner = Callable[[Path, Tensor], Tensor]


def _format(target: Path) -> tuple[_Writer, _Runner]:
    if target.suffix == ".pt2":
        return _write_program, _run_program
    if target.suffix != ".onnx":
        raise ConfigError(f"{target}: expected a name that ends in .onnx, or in .pt2 for torch.export")
    if absent := [name for name in _NEEDED if find_spec(name) is None]:
        raise ConfigError(f"{target}: ONNX needs {', '.join(absent)}: pip install 'entreg[export]'")
    return _write_onnx, _run_onnx


def _write_onnx(program: torch.export.ExportedProgram, target: Path, known: dict[str, Any]) -> None:
    found = torch.onnx.export(program, dynamo=True, verbose=False, input_names=["input"], output_names=["logits"])
    assert found is not None
    found.model.metadata_props.update({key: json.dumps(value) for key, value in known.items()})
    found.save(target, external_data=False)


def _run_onnx(path: Path, inputs: Tensor) -> Tensor:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (logits,) = session.run(None, {"input": inputs.numpy()})
    return torch.from_numpy(np.asarray(logits))


def _write_program(program: torch.export.ExportedProgram, target: Path, known: dict[str, Any]) -> None:
    torch.export.save(program, target, extra_files={"entreg.json": json.dumps(known)})


def _run_program(path: Path, inputs: Tensor) -> Tensor:
    with torch.inference_mode():
        return torch.export.load(path).module()(inputs)


def _noise(classifier: TrainedClassifier, samples: int) -> Tensor:
    shape, generator = (samples, *classifier.input_shape), torch.Generator().manual_seed(samples)
    if classifier.takes_images:
        return torch.randint(256, shape, dtype=torch.uint8, generator=generator)
    noise = torch.randn(shape, generator=generator)
    if not classifier.takes_vectors:
        return noise
    mean, std = (torch.tensor(classifier.data[key]) for key in ("mean", "std"))
    return mean + std * noise
