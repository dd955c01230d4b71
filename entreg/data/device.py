"""What depends on the memory of the device that trains."""

from __future__ import annotations

import torch

from entreg.cluster import sharers
from entreg.data.samples import ResidentSamples, SampleSet

_CPU_BATCH = 512  # larger ones are no faster there
_FIRST_LAYER = 64 * 8  # floats that a network holds for each input value: 64 channels, several times over


def evaluation_batch_size(device: torch.device, input_shape: tuple[int, ...]) -> int:
    """Samples of an evaluation batch: on a GPU a power of two that half of its free memory is sure to take.

    Runs that share the GPU divide that half between them, as they may all evaluate at once.

    Without gradients a network holds little more than its widest layer, here taken to be 512 times as large as the
    inputs in float32.
    """
    if device.type != "cuda":
        return _CPU_BATCH
    free, _ = torch.cuda.mem_get_info(device)
    fitting = int(free / 2 / sharers() / (4 * _FIRST_LAYER * torch.Size(input_shape).numel()))
    return int(2 ** max(6, min(14, fitting.bit_length() - 1)))


def move_if_it_fits(samples: ResidentSamples, device: torch.device, wanted: bool | None) -> None:
    """Move samples to a GPU if that is wanted or, where nothing is said, if they take less than a quarter of it.

    Runs that share the GPU divide that quarter between them.
    """
    if device.type != "cuda" or wanted is False:
        return
    free, _ = torch.cuda.mem_get_info(device)
    if wanted or samples.inputs.nbytes < free / 4 / sharers():
        samples.to(device)


def on_device(samples: SampleSet) -> bool:
    """Whether the samples are on a GPU."""
    return isinstance(samples, ResidentSamples) and samples.inputs.is_cuda
