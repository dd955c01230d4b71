"""A classifier and data so small that a training takes no time."""

from __future__ import annotations

import torch
from lightning.pytorch import Trainer
from torch import nn

from entreg.classifier import Classifier
from entreg.data import ImageDataModule


class Tiny(nn.Sequential):
    def __init__(self, in_channels: int, num_classes: int) -> None:
        super().__init__(nn.Flatten(), nn.Linear(in_channels * 16, num_classes))


class FourLetters(ImageDataModule):
    classes = tuple("abcd")
    default_mean, default_std = (0.5,), (0.5,)

    def load(self, train: bool) -> tuple[torch.Tensor, torch.Tensor]:
        generator = torch.Generator().manual_seed(int(train))
        images = torch.randint(256, (80, 1, 4, 4), dtype=torch.uint8, generator=generator)
        return images, torch.arange(80) % 4


def trained(classifier: Classifier, **options: object) -> Trainer:
    trainer = Trainer(
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        **{"max_epochs": 1, **options},
    )
    trainer.fit(classifier, datamodule=FourLetters(batch_size=8, augment=None))
    return trainer
