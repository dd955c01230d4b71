"""From a run folder back to its module: the config says what it is made of, a checkpoint what it has learnt."""

from __future__ import annotations

from argparse import ArgumentError
from pathlib import Path
from typing import Any

import torch
from jsonargparse import ArgumentParser
from lightning.pytorch import LightningModule
from typing_extensions import Self, override

from entreg.data.source import described_shape
from entreg.errors import ConfigError, RunError
from entreg.models.pretrained import checkpoint_follows
from entreg.runs import Run, check_checkpoint, check_unchanged, open_run, read_config, read_summary
from entreg.trust import check_config


class Restorable(LightningModule):
    """A module made of the section ``model`` of a run's config, which a checkpoint in the run's folder does not repeat.

    Checkpoints hold no hyperparameters: those of LightningCLI would be laid over the config when a run goes on.
    """

    @classmethod
    @override
    def load_from_checkpoint(  # type: ignore[override]
        cls, checkpoint_path: str | Path, map_location: Any = None, *, trust: bool = False, **arguments: Any
    ) -> Self:
        """Load a checkpoint: one in its run folder as it is, any other with the arguments of the class.

        Args:
            checkpoint_path: ``<run folder>/checkpoints/<name>.ckpt``, or any file with ``arguments``.
            map_location: device to put the module on; default: the CPU.
            trust: whether the run's config may name any class, whose code then runs, see :mod:`entreg.trust`.
            arguments: arguments of the class, by name, and of Lightning's method; without them the run's config is
                asked.

        Returns:
            the module in evaluation mode.

        Raises:
            ConfigError: if the config names a class that is not trusted, or not found.
            RunError: if there is no such run, it is not finished, or its checkpoint cannot be opened or does not fit.
        """
        if arguments:
            arguments.setdefault("weights_only", True)
            return super().load_from_checkpoint(checkpoint_path, map_location or "cpu", **arguments).eval()
        path = Path(checkpoint_path)
        folder = path.absolute().parent.parent
        if not Run(folder).started:
            raise RunError(
                f"{path}: is in no run folder, so say what it is made of: "
                f"{cls.__name__}.load_from_checkpoint(path, loss=..., net=..., num_classes=..., in_channels=...)"
            )
        return restored(cls, open_run(folder), path, trust).to(map_location or "cpu")


def restored(cls: type[Any], run: Run, checkpoint: Path | None = None, trust: bool = False) -> Any:
    """Build a module from a run's config and load a checkpoint of the run, on the CPU and not compiled.

    Args:
        cls: class of the module.
        run: a finished run.
        checkpoint: what to load; default: the one that was chosen on validation.
        trust: whether its config may name any class, whose code then runs.

    Returns:
        the module in evaluation mode.

    Raises:
        ConfigError: if its config names a class that is not trusted, or not found, as one whose file is not in the
            working directory.
        RunError: if the run is not finished, or the checkpoint cannot be opened or does not fit.
    """
    summary = read_summary(run)
    check_unchanged(run, summary, (run.config, run.checkpoint("best")))
    if not {"classes", "data"} <= summary.keys():
        raise RunError(
            f"{run.path}: summary.json does not say what the run was trained on; finish it: entreg fit --run {run.path}"
        )
    config = read_config(run)
    if not trust:
        check_config({"model": config.get("model")}, run.config)  # nothing else of it is made
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(cls, "model")
    shape = described_shape(summary["data"])
    known = {"num_classes": len(summary["classes"]), "in_channels": shape[0], "compile": False}
    try:
        model = parser.instantiate_classes(parser.parse_object({"model": config["model"] | known})).model
    except (ArgumentError, ValueError) as error:  # the latter of what the classes say of their arguments
        raise ConfigError(f"{run.config}: {error}") from error
    with checkpoint_follows():
        model.configure_model()
    if checkpoint is None:
        checkpoint = run.best()
    else:
        check_checkpoint(checkpoint)
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    model.on_load_checkpoint(state)
    model.load_state_dict(state["state_dict"])
    return model.eval()
