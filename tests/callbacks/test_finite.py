from __future__ import annotations

import math
import textwrap
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from entreg.__main__ import main
from entreg.callbacks import StopOnNonFinite
from entreg.data import Batch
from entreg.errors import RunError
from entreg.losses import CrossEntropyLoss
from entreg.runs import Run
from tests.conftest import TINY

BREAKS = """
    from lightning.pytorch import Callback
    import torch


    class BreaksAt(Callback):
        def __init__(self, step: int) -> None:
            self.step = step

        def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
            if trainer.global_step == self.step:
                batch.input[0] = torch.nan
"""


@pytest.fixture
def breaking(workplace: Path) -> list[str]:
    """A training that breaks at a step, which is the last word of the command."""
    (workplace / "breaks.py").write_text(textwrap.dedent(BREAKS))
    return ["fit", *TINY, "--trainer.callbacks", "breaks.BreaksAt", "--trainer.callbacks.step"]


def test_a_loss_that_is_no_number_leaves_what_is_needed_to_see_why(
    breaking: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*breaking, "6", "--id", "x"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("entreg: the loss is nan at step 6 (epoch 2).")
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
    assert main(["test", "--run", str(run.path), "--ckpt_path", str(run.checkpoint("post-mortem")), "--trust"]) == 0


def test_a_trial_run_writes_nothing(breaking: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*breaking, "0", "--trainer.fast_dev_run", "1", "--trainer.precision", "16-true"]) == 1
    said = capsys.readouterr().err
    assert "the loss is nan at step 0 (epoch 1). Coefficients" in said
    assert "16-true small numbers become 0 and large ones infinite: take 16-mixed or bf16-mixed. Lower" in said
    assert not Path("runs").exists()


def test_infinite_is_no_number_and_any_other_goes_on() -> None:
    module = nn.ModuleDict({"loss": CrossEntropyLoss()})
    trainer = SimpleNamespace(global_step=3, current_epoch=1, precision="32-true")
    callback = StopOnNonFinite(None)
    callback.on_train_batch_start(trainer, module, Batch(torch.zeros(2, 1), torch.zeros(2), torch.tensor([7, 8])), 0)
    callback.on_before_backward(trainer, module, torch.tensor(1e38))
    for value in (math.inf, -math.inf):
        with pytest.raises(RunError, match=rf"the loss is {value} at step 3 .*ids of the batch: 7, 8$"):
            callback.on_before_backward(trainer, module, torch.tensor(value))


@pytest.mark.parametrize("bad", [math.inf, math.nan])
def test_a_loss_that_is_read_late_names_the_step_that_it_is_of(bad: float) -> None:
    net = nn.Linear(1, 2)
    module = nn.ModuleDict({"net": net, "loss": CrossEntropyLoss()})
    module.automatic_optimization = True
    optimizer = torch.optim.AdamW(net.parameters(), fused=True)
    trainer = SimpleNamespace(
        precision="32-true",
        global_step=3,
        current_epoch=1,
        world_size=1,
        optimizers=[optimizer],
        precision_plugin=None,
        strategy=SimpleNamespace(root_device=torch.device("cpu")),
    )
    callback = StopOnNonFinite(None)
    callback.on_train_start(trainer, module)
    for step, loss in ((3, bad), (4, 1.0)):
        batch = Batch(torch.zeros(2, 1), torch.zeros(2), torch.tensor([step, 8]))
        trainer.global_step = step
        callback.on_train_batch_start(trainer, module, batch, 0)
        callback.on_before_backward(trainer, module, torch.tensor(loss))
        callback.on_after_backward(trainer, module)
        trainer.global_step += 1
        if step == 3:
            callback.on_train_batch_end(trainer, module, {"value": torch.tensor(loss)}, batch, 0)
            assert callback.guard.found == 1
    with pytest.raises(RunError, match=rf"the loss is {bad} at step 3 .*ids of the batch: 3, 8$"):
        callback.on_train_batch_end(trainer, module, {"value": torch.tensor(1.0)}, batch, 0)
