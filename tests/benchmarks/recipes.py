"""Training by hand, for the benchmarks: SpinalNet's recipe for VGG-5, and our settings without Lightning.

Each is a generator that does one training step for each number of images it yields.
"""

from __future__ import annotations

from collections.abc import Iterator
from inspect import signature
from itertools import count
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset
from torchvision import datasets, transforms

from entreg.classifier import Classifier
from entreg.cli.machine import best_precision
from entreg.data import EMNIST
from entreg.models import VGG5
from entreg.optimizers import fuse

SPINALNET_BATCH, SPINALNET_MEAN, SPINALNET_STD = 100, 0.1307, 0.3081
Images = tuple[Tensor, Tensor]


def torchvision_loader(root: Path, ids: Tensor, workers: int) -> DataLoader[Images]:
    """SpinalNet's input pipeline over the images ``ids`` of the training file, targets from 0."""
    transform = transforms.Compose(
        [
            transforms.RandomPerspective(),
            transforms.RandomRotation(10),
            transforms.ToTensor(),
            transforms.Normalize((SPINALNET_MEAN,), (SPINALNET_STD,)),
        ]
    )
    file = datasets.EMNIST(
        str(root), split="letters", train=True, transform=transform, target_transform=lambda label: label - 1
    )
    dataset = Subset(file, ids.tolist())
    return DataLoader(dataset, SPINALNET_BATCH, shuffle=True, num_workers=workers, persistent_workers=workers > 0)


def spinalnet(net: nn.Module, root: Path, ids: Tensor, device: str, workers: int = 0) -> Iterator[int]:
    """SpinalNet's recipe: Adam at 0.005, batches of 100, float32, eager, contiguous.

    Its learning rate changes only after epochs without a better test accuracy: not within the time given here.
    """
    loader = torchvision_loader(root, ids, workers)
    net.to(device).train()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.005)
    while True:
        for image, target in loader:
            image, target = image.to(device), target.to(device)
            loss = criterion(net(image), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            yield len(target)


def bare_loop(data: EMNIST, device: str, steps: int) -> Iterator[int]:
    """What ``entreg fit --config configs/cross_entropy.yaml`` does, in plain PyTorch; ``steps`` shape the schedule."""
    default = {name: parameter.default for name, parameter in signature(Classifier).parameters.items()}
    memory_format = torch.channels_last if default["channels_last"] else torch.contiguous_format
    autocast = best_precision(device) == "bf16-mixed"
    net = VGG5(data.in_channels, data.num_classes).to(device, memory_format=memory_format).train()
    optimizer = default["optimizer"](net.parameters())
    fuse(optimizer, torch.device(device))
    schedule = default["schedule"](optimizer, steps)
    loader = data.train_dataloader()
    for epoch in count():
        loader.sampler.set_epoch(epoch)
        for batch in loader:
            batch = data.transform(type(batch)(*(part.to(device, non_blocking=True) for part in batch)), epoch)
            image = batch.input.contiguous(memory_format=memory_format)
            with torch.autocast(device, torch.bfloat16, enabled=autocast):
                loss = F.cross_entropy(net(image).float(), batch.target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            yield len(batch.target)
