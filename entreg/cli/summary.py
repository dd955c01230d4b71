"""What is said of a run at its end: in summary.json, and in one table with the place of everything written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jsonargparse import Namespace
from lightning.pytorch import Trainer
from rich.console import Console
from rich.table import Table

from entreg.callbacks import Throughput
from entreg.classifier import Classifier
from entreg.console import cell, print_line
from entreg.data import ClassificationDataModule
from entreg.losses import coefficients_of
from entreg.runs import Run
from entreg.runs.experiment import arm_of
from entreg.runs.history import Start
from entreg.runs.provenance import environment

_COLUMNS = {"acc": "accuracy", "errors": "errors", "ece": "ECE", "nll": "NLL", "brier": "Brier"}


def training_summary(
    config: Namespace,
    resolved: Namespace,
    trainer: Trainer,
    model: Classifier,
    data: ClassificationDataModule,
    throughput: Throughput,
    history: Sequence[Start],
) -> dict[str, Any]:
    """Return what summary.json says of a training that has ended.

    Args:
        config: of the command.
        resolved: what config.yaml keeps of it.
        trainer: that has trained.
        model: the classifier.
        data: what it was trained on.
        throughput: counted the samples and the seconds.
        history: starts of the run; of the last one are versions and commit, as it is what has trained.
    """
    found = {
        "name": config.name,
        "seed": config.seed_everything,
        "loss": type(model.loss).__name__,
        "net": type(model.net).__name__,
        "data": {"name": type(data).__name__, **data.fingerprints, **data.description},
        "classes": list(data.classes),
        "epochs": trainer.current_epoch,
        "steps": trainer.global_step,
        "coefficients": coefficients_of(model.loss),
        "precision": config.trainer.precision,
        "train_seconds": round(throughput.seconds, 1),
        "images_per_second": throughput.samples_per_second,
        "history": list(history),
    }
    last: Mapping[str, Any] = history[-1] if history else environment()
    found |= {key: last[key] for key in ("versions", "git_commit")}
    return {"arm": arm_of(resolved.as_dict(), found), **found}


def logged_scores(split: str, trainer: Trainer) -> dict[str, Any]:
    """Return the scores of a split as the trainer has logged them; none if its limits left no batch."""
    found = trainer.callback_metrics
    scores = {key.split("/")[1]: float(found[key]) for key in found if key.startswith(f"{split}/")}
    if not scores:
        return {}
    n, errors = round(scores["n"]), round(scores["errors"])
    return {split: {**scores, "acc": 1 - errors / n, "errors": errors, "n": n}}


def print_results(summary: dict[str, Any], run: Run | None) -> None:
    """Print the final table: a row for each split evaluated, then the run folder if anything was written."""
    title = cell(f"{summary['loss']} on {summary['data']['name']}") if "loss" in summary else None
    table = Table(title=title, title_justify="left")
    table.add_column("split")
    for header in _COLUMNS.values():
        table.add_column(header, justify="right")
    shifted = {f"shift {name}": scores for name, scores in summary.get("shift", {}).items()}
    for split, scores in ({key: summary[key] for key in ("val", "test") if key in summary} | shifted).items():
        table.add_row(cell(split), *(_cell(scores, key) for key in _COLUMNS))
        if split != "val" and "scaled" in scores:
            table.add_row(f"  at T = {summary['temperature']:.3g}", *(_cell(scores["scaled"], key) for key in _COLUMNS))
    console = Console(width=100)
    for content in (table, _corruptions(summary.get("corrupt", {})), _ood(summary.get("ood", {}))):
        if content.rows:
            console.print(content)
    if "val" in summary and summary["val"]["errors"] == 0 and "temperature" not in summary:
        print_line("T is undetermined: every validation sample is right, so the smaller it is the better")
    if speed := summary.get("images_per_second"):
        epochs = f"{summary['epochs']} epoch{'' if summary['epochs'] == 1 else 's'}"
        print_line(f"trained {epochs} in {summary['train_seconds']:.0f} s, {speed:.0f} samples/s")
    print_line("nothing written" if run is None else f"run folder: {run.path}")


def _corruptions(corrupt: Mapping[str, Any]) -> Table:
    """Accuracy and calibration error along the severities."""
    table = Table(title="corrupted test samples: accuracy (ECE)", title_justify="left")
    severities: Mapping[str, Any] = next(iter(corrupt.values()), {})
    table.add_column("corruption")
    for severity in severities:
        table.add_column(cell(severity), justify="right")
    for name, scores in corrupt.items():
        table.add_row(cell(name), *(f"{scores[s]['acc']:.1%} ({scores[s]['ece']:.1%})" for s in severities))
    return table


def _ood(sets: Mapping[str, Any]) -> Table:
    """How well test samples are told from those of other classes."""
    table = Table(title="out-of-distribution sets", title_justify="left")
    table.add_column("set")
    for header in ("AUROC of MSP", "of energy", "FPR at 95 % TPR", "confidence >= 99 %"):
        table.add_column(header, justify="right")
    for name, scores in sets.items():
        auroc = (f"{scores[score]['auroc']:.4f}" for score in ("msp", "energy"))
        table.add_row(
            cell(f"{name} ({'near' if scores.get('near') else 'far'})"),
            *auroc,
            f"{scores['msp']['fpr95']:.1%}",
            f"{scores['overconfident']:.1%}",
        )
    return table


def _cell(scores: dict[str, Any], key: str) -> str:
    if key not in scores:
        return ""
    value = scores[key]
    if key in ("acc", "ece"):
        return f"{value:.2%}"
    return f"{value} of {scores['n']}" if key == "errors" else f"{value:.4f}"
