"""The panels of the W&B dashboard, section by section: what is compared, and under which keys runs have logged it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import wandb_workspaces.reports.v2 as wr

_STEP = "trainer/global_step"
_MEAN_AND_RANGE: dict[str, Any] = {"groupby_aggfunc": "mean", "groupby_rangefunc": "minmax"}  # over the seeds of an arm
_COLUMNS, _WIDTH, _HEIGHT, _TALL = 3, 8, 6, 12  # W&B's reports are 24 wide

Panels = list[Any]


def sections(keys: Iterable[str]) -> dict[str, Panels]:
    """Return new panels by the title of their section.

    Args:
        keys: of the summaries of the project's runs; they tell on which sets runs were evaluated.
    """
    keys = list(keys)
    ood = _sets(keys, r"ood/([^/]+)/msp/auroc") or ["noise"]
    found = {
        "Verdict": _each(_bar, "val/acc", "test/acc", "test/errors", "test/nll"),
        "Curves": _each(_line, "train/loss", "val/loss", "val/nll", "train/acc", "val/acc", "val/entropy"),
        "Calibration": [
            *_each(_line, "val/ece"),
            *_each(_bar, "test/ece", "test/scaled/ece", "temperature"),
            wr.ScatterPlot(
                title="test: accuracy against ECE", x=wr.SummaryMetric("test/ece"), y=wr.SummaryMetric("test/acc")
            ),
            wr.MediaBrowser(title="reliability on test", media_keys=["test/reliability_diagram"]),
        ],
        "Errors": [
            wr.MediaBrowser(title="confusion on test", media_keys=["test/confusion"]),
            wr.WeavePanelSummaryTable(table_name="test/worst_errors"),
        ],
        "Coefficients": _each(_lines, "loss/coefficient", "loss/base", "loss/weight"),
        "Out of distribution": _each(
            _bar,
            *(f"ood/{name}/{score}" for name in ood for score in ("msp/auroc", "energy/auroc", "msp/fpr95")),
        ),
        "Shift": _each(
            _bar,
            *(f"shift/{name}/{score}" for name in _sets(keys, "shift/([^/]+)/acc") for score in ("acc", "nll", "ece")),
        ),
        "System": [
            *_each(_bar, "images_per_second", "train_seconds"),
            *_each(_system, "system/gpu.0.gpu", "system/gpu.0.memoryAllocated", "system/cpu", "system/memory"),
        ],
    }
    return {title: _arranged(panels) for title, panels in found.items() if panels}


def _sets(keys: Iterable[str], pattern: str) -> list[str]:
    return sorted({match[1] for key in keys if (match := re.fullmatch(pattern, key))})


def _each(panel: Callable[[str], Any], *keys: str) -> Panels:
    return [panel(key) for key in keys]


def _bar(key: str) -> Any:
    return wr.BarPlot(title=key, metrics=[key], **_MEAN_AND_RANGE)


def _line(key: str) -> Any:
    return wr.LinePlot(title=key, x=_STEP, y=[key], **_MEAN_AND_RANGE)


def _lines(prefix: str) -> Any:
    return wr.LinePlot(title=f"{prefix}/*", x=_STEP, metric_regex=f"^{prefix}/.+", **_MEAN_AND_RANGE)


def _system(key: str) -> Any:
    return wr.LinePlot(title=key, x="RelativeTime(Process)", y=[key])


def _arranged(panels: Panels) -> Panels:
    """Give the panels their places in a report: rows of three, a table alone in a taller one."""
    x = y = 0
    for panel in panels:
        if isinstance(panel, wr.WeavePanelSummaryTable):
            y, x = y + (_HEIGHT if x else 0), 0
            panel.layout = wr.Layout(x=0, y=y, w=_COLUMNS * _WIDTH, h=_TALL)
            y += _TALL
            continue
        panel.layout = wr.Layout(x=x * _WIDTH, y=y, w=_WIDTH, h=_HEIGHT)
        x += 1
        if x == _COLUMNS:
            x, y = 0, y + _HEIGHT
    return panels
