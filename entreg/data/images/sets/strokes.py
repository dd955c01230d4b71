"""Strokes: letters drawn from stroke fonts, the embedded data set. Needs no file and no network."""

from __future__ import annotations

import math
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, is_zipfile

import numpy as np
import torch
from torch import Tensor

from entreg.console import print_line
from entreg.data.images.module import ImageDataModule
from entreg.data.images.sets.glyphs import TEST_FONTS, TRAIN_FONTS, glyphs, render
from entreg.data.sampling import counter_generator
from entreg.data.store import is_writable
from entreg.errors import ConfigError
from entreg.files import atomic_path

_SIZE = 28
_BOX = 24.0  # EMNIST fits each letter into 24 of its 28 pixels
_CHUNK = 128


@lru_cache(maxsize=2)
def draw_letters(fonts: tuple[str, ...], count: int, seed: int, stream: str) -> tuple[Tensor, Tensor]:
    """Draw ``count`` letters of random font, case, slant, proportion, waviness, pen and blur.

    The geometry follows EMNIST (arXiv 1702.05373): the letter is scaled to 24 of 28 pixels, its aspect kept, and
    centred. EMNIST blurs and downsamples a 128-pixel scan; here the soft pen edge is drawn at 28 pixels at once.

    Args:
        fonts: Hershey font names.
        count: number of images; classes are as equal as ``count`` allows.
        seed: seed of the data set.
        stream: name of the subset; each is an independent draw.

    Returns:
        images ``(count, 1, 28, 28)`` uint8, upright, and classes ``(count,)`` int64 in 0..25.
    """
    generator = counter_generator(seed, stream, "strokes")

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(count, *shape, generator=generator)

    segments, classes = glyphs(fonts)
    target = torch.arange(count) % 26
    variants = torch.stack([(classes == k).nonzero().squeeze(1) for k in range(26)])
    chosen = variants[target, torch.randint(variants.shape[1], (count,), generator=generator)]
    shear, angle, aspect = uniform(-0.35, 0.35), uniform(-0.26, 0.26), uniform(0.7, 1.4)
    radius, softness = uniform(0.6, 1.7), uniform(0.9, 2.0)
    fill, shift = uniform(0.85, 1.0), uniform(-0.7, 0.7, 2)
    amplitude = uniform(0.0, 1.6, 2)
    wave, phase = uniform(-1.0, 1.0, 2, 2) * (2 * math.pi / _SIZE), uniform(0, 2 * math.pi, 2)

    cos, sin, zero = angle.cos(), angle.sin(), torch.zeros(count)
    rotation = torch.stack([cos, -sin, sin, cos], -1).view(-1, 2, 2)
    slant = torch.stack([aspect, shear, zero, zero + 1], -1).view(-1, 2, 2)
    affine = rotation @ slant
    centres = torch.arange(_SIZE) + 0.5
    pixels = torch.stack(torch.meshgrid(centres, centres, indexing="xy"))
    images = torch.empty(count, _SIZE, _SIZE, dtype=torch.uint8)
    for ids in chosen.argsort(stable=True).split(_CHUNK):
        points = segments[chosen[ids]] @ affine[ids].mT[:, None]
        low, high = points.amin((1, 2)), points.amax((1, 2))
        scale = (_BOX * fill[ids] - 2 * radius[ids]) / (high - low).amax(1)
        points = (points - ((low + high) / 2)[:, None, None]) * scale[:, None, None, None]
        points = points + (_SIZE / 2 + shift[ids])[:, None, None]
        swing = (torch.einsum("nij,jhw->nihw", wave[ids], pixels) + phase[ids][:, :, None, None]).sin()
        images[ids] = render(points, radius[ids], softness[ids], amplitude[ids][:, :, None, None] * swing, _SIZE)
    order = torch.randperm(count, generator=generator)
    return images[order].unsqueeze(1), target[order]


class Strokes(ImageDataModule):
    """Handwriting-like letters drawn from public-domain Hershey stroke fonts, upper and lower case merged.

    26 classes, 28x28 grey images, drawn in seconds from ``strokes_seed`` and cached under the root where that can be
    written. Validation letters come from the training fonts, test letters from fonts that training never sees, so
    test accuracy is the lower one.

    Args:
        train_size: images in the training file, of which as many as ``test_size`` become validation.
        test_size: images in the test set.
        strokes_seed: seed of the drawing; it makes another data set, unlike the run's seed.
        kwargs: arguments of :class:`entreg.data.ImageDataModule`.

    Raises:
        ConfigError: if there are fewer images than classes.
    """

    classes = tuple("abcdefghijklmnopqrstuvwxyz")
    default_mean = (0.18,)
    default_std = (0.35,)
    image_size = _SIZE
    ink = True
    domain = "Latin script"

    def __init__(self, train_size: int = 12_000, test_size: int = 2_000, strokes_seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if train_size < 26 or test_size < 26:
            raise ConfigError(f"data.train_size and data.test_size are >= 26, got {train_size} and {test_size}")
        self.train_size = train_size
        self.test_size = test_size
        self.strokes_seed = strokes_seed

    @property
    def symbols(self) -> tuple[frozenset[str], ...]:
        """Both cases of each letter."""
        return tuple(frozenset({name, name.upper()}) for name in self.classes)

    def prepare(self, train: bool) -> None:
        """Draw the subset into the cache, unless a whole file is there."""
        if not is_zipfile(self._file(train)[0]):
            self.load(train)

    def load(self, train: bool) -> tuple[Tensor, Tensor]:
        """Return all images and classes of the training or the test file, from the cache where there is one."""
        cache, stream, fonts, count = self._file(train)
        # A cache that is absent or torn: drawing again is as good.
        with suppress(OSError, ValueError, KeyError, EOFError, BadZipFile), np.load(cache) as arrays:
            return torch.from_numpy(arrays["images"]), torch.from_numpy(arrays["targets"])
        print_line(f"Strokes: drawing {count:,} letters for {stream}")
        images, targets = draw_letters(fonts, count, self.strokes_seed, stream)
        if is_writable(cache.parent):  # else it only costs the cache
            with atomic_path(cache) as part:
                np.savez(part, images=images.numpy(), targets=targets.numpy())
        return images, targets

    def _file(self, train: bool) -> tuple[Path, str, tuple[str, ...], int]:
        """Return where a subset is kept, its name, its fonts and the number of its images."""
        stream, fonts, count = (
            ("train", TRAIN_FONTS, self.train_size) if train else ("test", TEST_FONTS, self.test_size)
        )
        return self.root / "Strokes" / f"v1-{stream}-{count}-seed{self.strokes_seed}.npz", stream, fonts, count
