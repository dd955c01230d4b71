"""The starts of a run: each ``entreg fit`` that trains it, or goes on with it, leaves one in summary.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from entreg.runs.folder import Run
from entreg.runs.provenance import Environment
from entreg.runs.set_name import TEST


class Start(Environment, total=False):
    """One start of a training.

    Of what was trained before there were histories, ``step`` and ``max_epochs`` are known alone.

    Attributes:
        time: when, UTC, ISO 8601.
        step: optimizer steps that were done already.
        max_epochs: epochs that the training was to have in all.
        device: name of the processor that computes.
        processes: number of processes, each with a device of its own.
        batchnorm_parts: number of parts of a batch that BatchNorm takes statistics of: 1 where it takes them over all
            processes, and where the network has none.
        changed: by dotted key, values of the config that were others at the start before.
        test_seen: whether the test set had been looked at.
    """

    time: str
    step: int
    max_epochs: int | None
    device: str
    processes: int
    batchnorm_parts: int
    changed: dict[str, Any]
    test_seen: bool


def history_of(summary: Mapping[str, Any]) -> list[Start]:
    """Return the starts of a run from its summary, the first one first; none of an older run."""
    return summary.get("history", [])


def lasting(history: Sequence[Start], steps: Any = None) -> list[Start]:
    """Return the starts of which something is left in the weights.

    A start leaves nothing if the next one went back to where it had begun, or if it had nothing to train.

    Args:
        history: the starts.
        steps: optimizer steps at the end; what is no number: not known yet, more than at the last start.

    Example:
        >>> history = [{"step": 0}, {"step": 50}, {"step": 40}, {"step": 100}]
        >>> lasting(history, 100)
        [{'step': 0}, {'step': 40}]
    """
    found: list[Start] = []
    end = steps if isinstance(steps, int) else float("inf")
    for start in reversed(history):
        if start["step"] < end:
            found.insert(0, start)
            end = start["step"]
    return found


def was_tested(run: Run, summary: Mapping[str, Any]) -> bool:
    """Whether anybody can have seen how a run does on test: it was evaluated there, now or before an earlier start."""
    before = any(start.get("test_seen") for start in history_of(summary))
    return before or "test" in summary or run.predictions(TEST).is_file()


def trained_on_after_test(summary: Mapping[str, Any]) -> bool:
    """Whether steps were trained after the test set had been looked at.

    Example:
        >>> trained_on_after_test({"history": [{"step": 0}, {"step": 50, "test_seen": True}], "steps": 100})
        True
    """
    return any(start.get("test_seen") for start in lasting(history_of(summary), summary.get("steps")))
