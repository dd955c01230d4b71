"""Validation split off the training file, and digests that tell data apart."""

from __future__ import annotations

import hashlib
from fractions import Fraction

import torch
from torch import Tensor

from entreg.data.sampling import counter_generator
from entreg.errors import DataError


def check_targets(targets: Tensor, samples: int, classes: int, what: str) -> None:
    """Raise :class:`DataError` unless there are targets in ``0 .. classes - 1``, one for each of ``samples``."""
    if samples != len(targets):
        raise DataError(f"{what}: {samples} samples but {len(targets)} labels; fetch both files again")
    if samples == 0:
        raise DataError(f"{what}: holds no samples")
    low, high = int(targets.min()), int(targets.max())
    if low < 0 or high >= classes:
        raise DataError(f"{what}: labels run from {low} to {high}, expected 0 to {classes - 1}; fetch both files again")


def check_two_classes(train: Tensor) -> None:
    """Raise :class:`DataError` where all training samples are of one class."""
    if len(train.unique()) < 2:
        raise DataError(f"all {len(train)} training samples are of one class, {int(train[0])}: a classifier needs two")


def split_validation(train: Tensor, test: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Split the training file into training and validation ids, validation being as large as test and like it.

    Args:
        train: classes of the training file.
        test: classes of the test file.
        seed: seed of the draw, unused where the tail of the file has the test set's class counts already, each at most
            half of the class.

    Returns:
        ids of training and of validation, each in ascending order. Where a class is too rare, validation takes at
        most half of it and all other classes in proportion.

    Raises:
        DataError: if there are fewer than two classes, one is in the test file alone, or all are too rare to be split.
    """
    check_two_classes(train)
    classes = int(max(train.max(), test.max())) + 1
    have, want = train.bincount(minlength=classes), test.bincount(minlength=classes)
    enough = bool((2 * want <= have).all())  # else the tail of a file that is sorted by class may be all of one
    if enough and torch.equal(train[-len(test) :].bincount(minlength=classes), want):
        ids = torch.arange(len(train))
        return ids[: -len(test)], ids[-len(test) :]
    if (have < want.clamp(max=1)).any():
        rare = int((have < want.clamp(max=1)).nonzero()[0])
        raise DataError(f"class {rare} is in the test file but not in the training file")
    share = min(Fraction(1), *(Fraction(h, 2 * w) for h, w in zip(have.tolist(), want.tolist(), strict=True) if w))
    order = torch.randperm(len(train), generator=counter_generator(seed, "split"))
    shuffled = train[order]
    chosen = [order[shuffled == k][: int(want[k].item() * share)] for k in range(classes)]
    if not any(map(len, chosen)):
        rarest = int(torch.where(want > 0, have, have.max() + 1).argmin())
        raise DataError(
            f"class {rarest} has {int(have[rarest])} training samples, too few to spare any for validation: add some"
        )
    is_val = torch.zeros(len(train), dtype=torch.bool)
    is_val[torch.cat(chosen)] = True
    return (~is_val).nonzero().squeeze(1), is_val.nonzero().squeeze(1)


def digest(*tensors: Tensor) -> str:
    """SHA-256 of the tensors' shapes, types and bytes, its first 16 hex digits."""
    state = hashlib.sha256()
    for tensor in tensors:
        state.update(f"{tuple(tensor.shape)} {tensor.dtype}".encode())
        state.update(tensor.contiguous().numpy().data)
    return state.hexdigest()[:16]
