"""A run of each shipped network, trained for seconds in bfloat16, once for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from entreg.__main__ import main
from entreg.runs import Run, open_run
from tests.conftest import made_once, working_in

NETS = {
    "VGG5": [],
    "SpinalVGG5": [],
    "LeNet": [],
    "MLP": [],
    "Timm": ["--model.net.name", "resnet10t"],
}
SIZES = {"train_size": 104, "test_size": 52}


def run_of(net: str, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run of a network of that name: to look at, never to write to."""

    def make(folder: Path) -> None:
        with working_in(folder, folder / "data"):
            options = [word for key, size in SIZES.items() for word in (f"--data.{key}", str(size))]
            assert not main([
                *("fit", "--model.loss", "mix_ent", "--model.net", net, *NETS[net]),
                *("--data", "Strokes", *options, "--data.batch_size", "26", "--data.ood", "[]"),
                *("--trainer.max_epochs", "1", "--trainer.precision", "bf16-mixed", "--trainer.accelerator", "cpu"),
                *("--trainer.logger", "false", "--trainer.enable_progress_bar", "false", "--figures", "false"),
            ])  # fmt: skip

    (folder,) = (made_once(tmp_path_factory, f"run-of-{net}", make) / "runs").glob("*")
    return open_run(folder)
