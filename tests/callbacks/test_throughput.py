from __future__ import annotations

from collections.abc import Callable

from entreg.runs import Run, read_summary


def test_images_are_counted_over_training_only(fit: Callable[..., Run]) -> None:
    summary = read_summary(fit())
    images = 2 * 5 * 54  # epochs, steps, global batch
    assert abs(summary["images_per_second"] * summary["train_seconds"] - images) < 0.2 * images
    assert summary["train_seconds"] < summary["wall_seconds"]
