"""A run folder as a classifier in Python."""

from __future__ import annotations

from argparse import ArgumentError

import torch
from jsonargparse import ArgumentParser

from entreg.classifier import Classifier
from entreg.data.source import described_shape
from entreg.errors import ConfigError, RunError
from entreg.runs import Run, check_unchanged, read_config, read_summary
from entreg.trust import check_config


def load(run: Run, trust: bool = False) -> Classifier:
    """Build a run's classifier from its config and load the checkpoint chosen on validation, on the CPU.

    Args:
        run: a finished run.
        trust: whether its config may name any class, whose code then runs, see :mod:`entreg.trust`.

    Returns:
        the classifier in evaluation mode: normalised inputs ``(N, ...)`` to logits ``(N, C)``.

    Raises:
        ConfigError: if its config names a class that is not trusted, or not found, as one whose file is not in the
            working directory.
        RunError: if the run is not finished, or its checkpoint cannot be opened or does not fit.
    """
    summary = read_summary(run)
    check_unchanged(run, summary, (run.config, run.checkpoint("best")))
    if not {"classes", "data"} <= summary.keys():
        raise RunError(
            f"{run.path}: summary.json does not say what the run was trained on; finish it: entreg fit --run {run.path}"
        )
    config = read_config(run)
    if not trust:
        check_config(config, run.config)
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(Classifier, "model")
    shape = described_shape(summary["data"])
    config = config["model"] | {"num_classes": len(summary["classes"]), "in_channels": shape[0]}
    try:
        model: Classifier = parser.instantiate_classes(parser.parse_object({"model": config})).model
    except (ArgumentError, ValueError) as error:  # the latter of what the classes say of their arguments
        raise ConfigError(f"{run.config}: {error}") from error
    model.configure_model()
    checkpoint = torch.load(run.best(), map_location="cpu", weights_only=True)
    model.on_load_checkpoint(checkpoint)
    model.load_state_dict(checkpoint["state_dict"])
    return model.eval()
