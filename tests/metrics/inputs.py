"""Predictions that break metrics, and ordinary ones."""

import torch


def random_logits(n, classes=10, scale=3.0, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    logits = scale * torch.randn(n, classes, generator=generator, dtype=torch.float64)
    target = torch.where(
        torch.rand(n, generator=generator) < 0.6,
        logits.argmax(1),
        torch.randint(classes, (n,), generator=generator),
    )
    return logits.to(dtype), target


def random_confidences(n, levels=None, seed=0):
    """Confidences, with ties if only so many levels are taken, and whether each is right."""
    generator = torch.Generator().manual_seed(seed)
    confidence = torch.rand(n, generator=generator, dtype=torch.float64)
    if levels:
        confidence = (confidence * levels).ceil() / levels
    return confidence, torch.rand(n, generator=generator, dtype=torch.float64) < confidence


def state_of(metric, logits, target, sizes=()):
    """The metric after batches of the given sizes."""
    for part in torch.tensor_split(torch.arange(len(target)), sorted(sizes)):
        metric.update(logits[part], target[part])
    return metric
