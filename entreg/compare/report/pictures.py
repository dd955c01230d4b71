"""The test images behind a study's predictions, where the data are at hand."""

from __future__ import annotations

from argparse import ArgumentError

import torch
from jsonargparse import ArgumentParser
from torch import Tensor

from entreg.compare.study import Study
from entreg.data import ImageDataModule
from entreg.errors import UserError
from entreg.runs import read_predictions


def images_of(study: Study, root: str | None = None) -> tuple[Tensor, tuple[str, ...]] | None:
    """Return the test images ``(N, C, H, W)`` uint8, upright, in the order of their ids, and the names of the classes.

    Args:
        study: the runs; their config says which data they are.
        root: folder of the data, if it is another one now.

    Returns:
        ``None`` where the images are not at hand, or are not those that were tested.
    """
    result = study.results[0]
    config = {**result.data, "init_args": dict(result.data.get("init_args", {}))}
    if root is not None:
        config["init_args"]["root"] = root
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(ImageDataModule, "data")
    try:
        data: ImageDataModule = parser.instantiate(parser.parse_object({"data": config})).data
        if data.missing(train=False):
            return None
        images, targets = data.checked(train=False)
    except (UserError, ArgumentError, ValueError, TypeError, ImportError):  # the report does without them
        return None
    arrays = read_predictions(result.run.predictions("test"))
    ids, expected = torch.from_numpy(arrays["ids"]), torch.from_numpy(arrays["targets"])
    if int(ids.max()) >= len(targets) or not torch.equal(targets[ids], expected):
        return None
    images = images[ids]
    return (images.mT if data.transposed else images), data.classes
