"""What W&B shows of a finished run: its scores, its diagrams and the test samples that it got most wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.loggers import WandbLogger
from torch import Tensor

from entreg.console import print_line
from entreg.data import ClassificationDataModule
from entreg.data.attached import datamodule_of
from entreg.loggers.wandb import SafeWandbLogger
from entreg.loggers.wandb_server import one_line, wandb_trouble, wandb_unreachable
from entreg.metrics.scores import nll, predictive_entropy
from entreg.runs import Run, read_predictions
from entreg.runs.scoring import flatten
from entreg.text import shown

_FIGURES = {
    "val/reliability_diagram": "reliability-val",
    "test/reliability_diagram": "reliability-test",
    "test/confusion": "confusion-test",
}
_COLUMNS = ["image", "true", "predicted", "confidence", "entropy", "loss", "id"]


def report_to_wandb(trainer: Trainer, run: Run, summary: Mapping[str, Any]) -> None:
    """Log a run that has been evaluated to the trainer's ``WandbLogger``; do nothing where there is none.

    * the numbers of ``summary.json`` become the summary of the W&B run, under the same keys: ``test/errors``,
      ``test/scaled/ece``, ``ood/<set>/msp/auroc``, ``temperature``;
    * ``val/reliability_diagram``, ``test/reliability_diagram`` and ``test/confusion`` are the pictures in ``figures/``;
    * ``test/worst_errors`` is a table of the misclassified test samples with the highest loss, under the names of their
      classes, with a picture where they can be shown; entropy and loss are in nats.

    Everything is read from the run folder, so that nothing is lost where W&B fails, which is said in one line. The
    first process alone logs.

    Args:
        trainer: holds the loggers and the data module.
        run: run folder with figures and predictions.
        summary: content of ``summary.json``.
    """
    loggers = [logger for logger in trainer.loggers if isinstance(logger, WandbLogger)]
    if not loggers or not trainer.is_global_zero:
        return
    data: ClassificationDataModule = datamodule_of(trainer)
    rows = _rows(run, data) if run.predictions("test").is_file() else None
    for logger in loggers:
        if isinstance(logger, SafeWandbLogger) and logger.lost:
            continue  # the logger said so when it happened
        try:
            _report(logger, run, summary, rows, trainer.global_step)
        except wandb_trouble() as error:
            print_line(f"W&B: {one_line(error)}; its report of the run is incomplete, all of it is in {run.path}")


def _report(logger: WandbLogger, run: Run, summary: Mapping[str, Any], rows: list[list[Any]] | None, step: int) -> None:
    experiment = logger.experiment
    experiment.summary.update(flatten(summary))
    for key, name in _FIGURES.items():
        path = run.figures / f"{name}.png"
        if path.is_file():
            logger.log_image(key, [str(path)], step=step)
    if rows is None:
        return
    # Online, W&B asks its server whether it may log a table, and waits 19 seconds for the answer.
    online = not (experiment.offline or experiment.disabled)
    if online and (reason := wandb_unreachable(experiment.settings.base_url)):
        print_line(f"W&B: {reason}; the table of the worst test errors is not logged")
        return
    from wandb import Image  # half a second to import, for those who use it

    shown = [[None if picture is None else Image(picture), *rest] for picture, *rest in rows]
    logger.log_table("test/worst_errors", _COLUMNS, shown, step=step)


def worst_errors(logits: Tensor, targets: Tensor, count: int = 32) -> Tensor:
    """Return the misclassified samples with the highest negative log-likelihood, the highest first.

    Args:
        logits: ``(N, C)``.
        targets: ``(N,)`` class indices.
        count: the most to return.

    Returns:
        indices of at most ``count`` samples, int64; fewer where fewer are misclassified.

    Example:
        >>> worst_errors(torch.tensor([[0.0, 1.0], [0.0, 3.0], [2.0, 0.0]]), torch.tensor([0, 0, 0]))
        tensor([1, 0])
    """
    wrong = (logits.argmax(1) != targets).nonzero()[:, 0]
    order = nll(logits[wrong], targets[wrong]).argsort(descending=True, stable=True)
    return wrong[order[:count]]


def _rows(run: Run, data: ClassificationDataModule) -> list[list[Any]]:
    arrays = read_predictions(run.predictions("test"))
    worst = worst_errors(torch.from_numpy(arrays["logits"]), torch.from_numpy(arrays["targets"])).numpy()
    logits, targets, ids = (torch.from_numpy(arrays[key][worst]) for key in ("logits", "targets", "ids"))
    confidence, predicted = logits.softmax(1).max(1)
    columns = (targets, predicted, confidence, predictive_entropy(logits), nll(logits, targets), ids)
    pictures: Sequence[Any] = data.pictures(ids) or [None] * len(ids)
    return [
        [picture, shown(data.classes[true]), shown(data.classes[taken_for]), *numbers]
        for picture, true, taken_for, *numbers in zip(pictures, *(column.tolist() for column in columns), strict=True)
    ]
