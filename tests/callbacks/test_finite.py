from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from entreg.__main__ import main
from entreg.runs import Run
from tests.conftest import TINY

BREAKS = """
    from lightning.pytorch import Callback
    import torch


    class BreaksAt(Callback):
        def __init__(self, step: int, value: str) -> None:
            self.step, self.value = step, {"infinite": torch.inf}.get(value, torch.nan)

        def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
            if trainer.global_step == self.step:
                batch.input[0] = self.value
"""


@pytest.mark.parametrize("value", ["not_a_number", "infinite"])
def test_a_loss_that_is_no_number_leaves_what_is_needed_to_see_why(
    value: str, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workplace / "breaks.py").write_text(textwrap.dedent(BREAKS))
    callback = ["--trainer.callbacks", "breaks.BreaksAt", "--trainer.callbacks.step", "6"]
    assert main(["fit", *TINY, *callback, "--trainer.callbacks.value", value, "--id", "x"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("entreg: the loss is nan at step 6 (epoch 1).")
    assert said.count("\n") == 1
    run = Run(Path("runs/mix_ent-x"))
    kept = torch.load(run.checkpoint("post-mortem"), weights_only=True)
    ids = kept["batch"]["id"]
    assert said.rstrip().endswith("Sample ids of the batch: " + ", ".join(map(str, ids.tolist())))
    assert "Coefficients: weight/ce 0." in said
    assert "coefficient/" in said
    assert len(ids) == 54
    assert not kept["batch"]["input"][0].isfinite().any()
    weights = {name: tensor for name, tensor in kept["state_dict"].items() if "running" not in name}
    assert all(tensor.isfinite().all() for tensor in weights.values())
    assert kept["global_step"] == 6
    assert main(["test", "--run", str(run.path), "--ckpt_path", str(run.checkpoint("post-mortem"))]) == 0


def test_a_trial_run_writes_nothing(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (workplace / "breaks.py").write_text(textwrap.dedent(BREAKS))
    callback = ["--trainer.callbacks", "breaks.BreaksAt", "--trainer.callbacks.step", "0"]
    options = [*callback, "--trainer.callbacks.value", "not_a_number", "--trainer.fast_dev_run", "1"]
    assert main(["fit", *TINY, *options]) == 1
    assert "the loss is nan at step 0 (epoch 0). Coefficients" in capsys.readouterr().err
    assert not Path("runs").exists()


def test_a_loss_that_is_finite_goes_on(fit: Callable[..., Run]) -> None:
    assert not fit().checkpoint("post-mortem").exists()
