"""A user's own features, brought to what a network was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from entreg.data.vectors.features import Layout
from entreg.data.vectors.statistics import check_finite
from entreg.data.vectors.tables import ARRAY, Part, read_columns
from entreg.errors import DataError


def features_of(path: Path, data: Mapping[str, Any]) -> Tensor:
    """Read a file of features, ``(N, D)`` float32, as the data set of a run holds them.

    Args:
        path: the columns that the run was trained on, found by name, in any order and among others; or ``.npy``, an
            array ``(N, D)``.
        data: description of the run's data in its summary.

    Raises:
        ConfigError: if the format needs a package that is not installed.
        DataError: if the run was not trained on vectors, or the file cannot be read, lacks a column, or has one that
            does not fit.
    """
    if not {"input_shape", "mean", "std"} <= data.keys():
        raise DataError("the run was not trained on vectors, so it takes none")
    columns = read_columns(path)
    if path.suffix.lower() == ".npy" or "columns" not in data:
        if ARRAY not in columns or columns[ARRAY].dtype.kind not in "fiub":
            raise DataError(f"{path}: expected an array of numbers (N, {data['input_shape'][0]}), {ARRAY!r} in .npz")
        rows = columns[ARRAY].reshape(len(columns[ARRAY]), -1)
        layout, features = None, torch.from_numpy(np.ascontiguousarray(rows, dtype=np.float32))
    else:
        layout = Layout.from_plain(data["columns"])
        features = layout.features(Part(str(path), columns))
    if features.shape[1:] != torch.Size(data["input_shape"]):
        raise DataError(
            f"{path}: rows of {features.shape[1]} numbers, expected {data['input_shape'][0]} as in training"
        )
    check_finite(features, layout.feature_name if layout else lambda index: f"feature {index}", str(path))
    return features


def standardised(features: Tensor, data: Mapping[str, Any]) -> Tensor:
    """Standardise features ``(N, D)`` as in training, to float32."""
    mean, std = (torch.tensor(data[key], device=features.device) for key in ("mean", "std"))
    return (features.float() - mean) / std
