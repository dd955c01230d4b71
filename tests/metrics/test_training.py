"""Scores of training batches: those of the metrics of a whole set, in sums that stay in one place."""

from __future__ import annotations

import torch
from torchmetrics.classification import MulticlassAccuracy

from entreg.metrics import CalibrationError, TrainingScores


def batches() -> list[tuple[torch.Tensor, torch.Tensor]]:
    generator = torch.Generator().manual_seed(0)
    return [
        (3 * torch.randn(size, 5, generator=generator), torch.randint(5, (size,), generator=generator))
        for size in (7, 3, 10)
    ]


def test_scores_are_those_of_other_metrics() -> None:
    scores, accuracy, ece = TrainingScores(10), MulticlassAccuracy(5, average="micro"), CalibrationError(10)
    for value, (logits, target) in enumerate(batches()):
        scores.update(torch.tensor(float(value)), logits, target)
        accuracy.update(logits, target)
        ece.update(logits, target)
    found = scores.compute()
    torch.testing.assert_close(found["acc"].float(), accuracy.compute())
    torch.testing.assert_close(found["ece"], ece.compute())
    assert found["loss"] == (0 * 7 + 1 * 3 + 2 * 10) / 20


def test_of_mixed_targets_the_loss_alone_is_kept() -> None:
    scores = TrainingScores()
    scores.update(torch.tensor(2.0), torch.zeros(4, 3), torch.full((4, 3), 1 / 3))
    assert scores.compute() == {"loss": 2.0}


def test_sums_stay_where_they_are_when_they_are_reset() -> None:
    scores = TrainingScores()
    places = [tensor.data_ptr() for tensor in scores.sums]
    scores.update(torch.tensor(1.0), *batches()[0])
    scores.reset()
    assert [tensor.data_ptr() for tensor in scores.sums] == places
    assert all((tensor == 0).all() for tensor in scores.sums)
    scores.update(torch.tensor(3.0), *batches()[1])
    assert scores.compute()["loss"] == 3.0


def test_ignored_samples_might_as_well_not_be_there_and_no_target_is_read() -> None:
    logits, target = batches()[2]
    ignored = target.clone()
    ignored[::2] = -100
    keep = ignored != -100
    found, expected = TrainingScores(), TrainingScores()
    found.update(torch.tensor(1.5), logits, ignored)
    expected.update(torch.tensor(1.5), logits[keep], target[keep])
    torch.testing.assert_close(found.compute(), expected.compute())
    with torch.device("meta"):  # where there is nothing to read
        unread = TrainingScores()
        unread.update(torch.zeros(()), torch.zeros(4, 3), torch.zeros(4, dtype=torch.int64))
