"""Sets to evaluate on besides validation and test: other classes, other sources, damaged test images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from entreg.data.images.corruptions import SEVERITIES
from entreg.data.images.samples import ImageSet, ResidentImages
from entreg.data.sampling import counter_generator
from entreg.errors import ConfigError

if TYPE_CHECKING:
    from entreg.data.images.module import ImageDataModule

# Symbols that nobody can tell apart without context: an "error" between them says little of a detector.
_LOOKALIKES = (frozenset("0Oo"), frozenset("1IiLl"), frozenset("2Zz"), frozenset("5Ss"), frozenset("9GgQq"))
_LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class EvaluationSet:
    """A set of images to evaluate on.

    Args:
        name: of its predictions: ``ood-<set>``, ``shift-<set>`` or ``corrupt-<corruption>-<severity>``.
        images: the images, in the shape and orientation of the training data.
        classes: names of its classes.
        lookalikes: of an out-of-distribution set, the classes that look like one of the training classes.
        near: of an out-of-distribution set, whether it is of the domain of the training data.
        corruption: name and severity of what is done to the images.
    """

    name: str
    images: ImageSet
    classes: tuple[str, ...]
    lookalikes: tuple[int, ...] = ()
    near: bool = False
    corruption: tuple[str, int] | None = None


def ood_set(name: str, guest: ImageDataModule, host: ImageDataModule) -> EvaluationSet:
    """Test images of ``guest``, none of whose classes is one of ``host``'s.

    Raises:
        ConfigError: if they share classes.
    """
    known = frozenset[str]().union(*host.symbols)
    shared = sorted(known & frozenset().union(*guest.symbols))
    if shared:
        raise ConfigError(
            f"data.ood: {name} shares classes with {type(host).__name__} ({_some(shared)}), so it is not "
            f"out-of-distribution; evaluate on it with --data.shift [{name}]"
        )
    alike = tuple(
        k for k, symbols in enumerate(guest.symbols) if any(group & symbols and group & known for group in _LOOKALIKES)
    )
    images, targets = guest.checked(train=False)
    shown = ResidentImages(conform(images, guest, host), targets)
    near = guest.domain == host.domain != ""
    return EvaluationSet(f"ood-{name}", shown, guest.classes, lookalikes=alike, near=near)


def shift_set(name: str, guest: ImageDataModule, host: ImageDataModule) -> EvaluationSet:
    """Test images of ``guest`` whose class is one of ``host``'s, with ``host``'s classes: a covariate shift.

    Raises:
        ConfigError: if they share no class.
    """
    place = torch.full((guest.num_classes,), -1)
    for k, symbols in enumerate(guest.symbols):
        fitting = [j for j, of_host in enumerate(host.symbols) if symbols <= of_host]
        place[k] = fitting[0] if fitting else -1
    if (place < 0).all():
        raise ConfigError(
            f"data.shift: no class of {name} is a class of {type(host).__name__} (it has {_some(guest.classes)}); "
            f"evaluate on it with --data.ood [{name}]"
        )
    images, targets = guest.checked(train=False)
    kept = place[targets] >= 0
    shown = ResidentImages(conform(images[kept], guest, host), place[targets[kept]])
    return EvaluationSet(f"shift-{name}", shown, host.classes)


def noise_set(host: ImageDataModule, n: int, seed: int) -> EvaluationSet:
    """``n`` images of independent uniform pixels in the shape of the training data."""
    generator = counter_generator(seed, "uniform noise")
    images = torch.randint(256, (n, *host.image_shape), generator=generator, dtype=torch.uint8)
    return EvaluationSet("ood-noise", ResidentImages(images, torch.zeros(n, dtype=torch.int64)), ("noise",))


def corrupted_sets(names: Sequence[str], test: ImageSet, classes: tuple[str, ...]) -> list[EvaluationSet]:
    """The test images under each corruption at each severity."""
    return [
        EvaluationSet(f"corrupt-{name}-{severity}", test, classes, corruption=(name, severity))
        for name in names
        for severity in SEVERITIES
    ]


def conform(images: Tensor, guest: ImageDataModule, host: ImageDataModule) -> Tensor:
    """Bring uint8 images ``(N, C, H, W)`` to the channels, size and orientation of the host's, bilinearly."""
    channels, height, width = host.image_shape
    if guest.transposed != host.transposed:
        images = images.mT
    if images.shape[1] == 3 and channels == 1:
        images = (images * torch.tensor(_LUMA).view(3, 1, 1)).sum(1, keepdim=True).round().to(torch.uint8)
    if images.shape[-2:] != (height, width):
        images = F.interpolate(images, (height, width), mode="bilinear", antialias=True)
    return images.expand(-1, channels, -1, -1).contiguous()


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
