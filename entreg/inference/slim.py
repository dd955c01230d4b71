"""A run folder made small: what inference needs of it, with weights in bfloat16.

``python -m entreg.inference.slim runs/<id> DIR``; the letters that come with the package were made so.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import torch
from torch import Tensor

from entreg.runs import Run, check_unchanged, open_run, read_summary, write_summary
from entreg.runs.checkpoints import write_checkpoint


def slim(run: Run, folder: Path) -> Run:
    """Copy a run's config, summary and chosen checkpoint, its weights rounded to bfloat16: half the size.

    The scores of the summary are those of the weights before they were rounded, until ``entreg test --run`` has
    looked at the copy. It can be loaded, tested and exported, and is not trained on.

    Args:
        run: a finished run.
        folder: the folder to make; its name ends in ``-<id>``.

    Returns:
        the copy.

    Raises:
        RunError: if the run is not finished or was changed, or the copy cannot be written.
    """
    best, summary = run.best(), read_summary(run)
    check_unchanged(run, summary, (run.config, best))
    state = torch.load(best, map_location="cpu", weights_only=True)
    kept = ("epoch", "global_step", "pytorch-lightning_version")
    rounded = {name: _rounded(tensor) for name, tensor in state["state_dict"].items()}
    copy = Run(folder)
    write_checkpoint(copy.checkpoint("best"), {name: state[name] for name in kept} | {"state_dict": rounded})
    shutil.copyfile(run.config, copy.config)
    write_summary(copy, summary)
    return copy


def _rounded(tensor: Tensor) -> Tensor:
    return tensor.bfloat16() if tensor.is_floating_point() else tensor


if __name__ == "__main__":
    slim(open_run(sys.argv[1]), Path(sys.argv[2]))
