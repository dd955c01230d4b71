"""What the test samples behind a study's predictions look like, where the data are at hand."""

from __future__ import annotations

from argparse import ArgumentError
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jsonargparse import ArgumentParser
from numpy.typing import NDArray
from torch import Tensor

from entreg.compare.study import Study
from entreg.data import ClassificationDataModule
from entreg.errors import UserError
from entreg.runs import read_predictions
from entreg.runs.set_name import TEST
from entreg.trust import check_config

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Pictures:
    """What people see of test samples.

    Attributes:
        of: pictures of the samples with ids ``(N,)``, upright, ``(H, W)`` or ``(H, W, 3)`` uint8 each; ``None`` where
            samples cannot be shown as pictures.
        classes: names of the classes.
    """

    of: Callable[[Tensor], Sequence[Picture] | None]
    classes: Sequence[str]


def pictures_of(study: Study, root: str | None = None, trust: bool = False) -> Pictures | None:
    """Find what the test samples of a study look like.

    Args:
        study: the runs; their config says which data they are.
        root: folder of the data, if it is another one now.
        trust: whether the config may name any class of data, whose code then runs, see :mod:`entreg.trust`.

    Returns:
        ``None`` where the data are not at hand, or are not those that were tested.

    Raises:
        ConfigError: if the config names a class that is not trusted.
    """
    result = study.results[0]
    config = {**result.data, "init_args": dict(result.data.get("init_args", {}))}
    if root is not None:
        config["init_args"]["root"] = root
    if not trust:
        check_config({"data": config}, result.run.config)
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(ClassificationDataModule, "data")
    try:
        data: ClassificationDataModule = parser.instantiate(parser.parse_object({"data": config})).data
        if data.missing(train=False):
            return None
        targets = data.test_set.targets
    except (UserError, ArgumentError, ValueError, TypeError, ImportError):
        return None  # whatever is wrong with the data, the report does without pictures
    tested = read_predictions(result.run.predictions(TEST))
    ids, expected = torch.from_numpy(tested["ids"]), torch.from_numpy(tested["targets"])
    if int(ids.max()) >= len(targets) or not torch.equal(targets[ids], expected):
        return None
    return Pictures(data.pictures, data.classes)
