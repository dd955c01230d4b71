"""What the entries of a summary are expected to be: a summary may come from a stranger."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

_SCORES = ("acc", "errors", "ece", "nll", "brier", "n")
_MOST_INPUTS = 10**8
_MOST_DIMENSIONS = 8


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return _is_whole(value) and value >= 0


def _is_seconds(value: Any) -> bool:
    return _is_number(value) and 0 <= value < math.inf


def _is_temperature(value: Any) -> bool:
    return _is_number(value) and 0 < value < math.inf


def _list_of(is_right: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(is_right, value))


def _mapping_of(is_right: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, dict) and all(map(is_right, value.values()))


def _is_scores(value: Any) -> bool:
    if not isinstance(value, dict) or not all(_is_number(value.get(key, 0)) for key in _SCORES):
        return False
    return "scaled" not in value or _is_scores(value["scaled"])


def _is_data(value: Any) -> bool:
    """Name, fingerprints, shape of an input and pixel statistics."""
    if not isinstance(value, dict):
        return False
    texts = all(_is_text(value.get(key, "")) for key in ("name", "train", "val", "test", "pixels", "encoder", "text"))
    statistics = all(_list_of(_is_number)(value.get(key, [])) for key in ("mean", "std"))
    shapes = [value.get(key, []) for key in ("image_shape", "input_shape")]
    columns = _list_of(_is_column)(value.get("columns", []))
    return (
        texts
        and statistics
        and columns
        and all(_list_of(_is_count)(s) and len(s) <= _MOST_DIMENSIONS and math.prod(s) <= _MOST_INPUTS for s in shapes)
    )


def _is_column(value: Any) -> bool:
    """Name and width of a column of features, and the values of a category."""
    if not isinstance(value, dict) or not _is_text(value.get("name")) or not _is_count(value.get("width")):
        return False
    return value.get("values", 0) is None or _list_of(_is_text)(value.get("values"))


def _is_ood_set(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and _list_of(_is_whole)(value.get("lookalikes", []))
        and isinstance(value.get("near", False), bool)
    )


def _is_start(value: Any) -> bool:
    if not isinstance(value, dict) or not _is_count(value.get("step")):
        return False
    counts = all(_is_count(value.get(key, 1)) for key in ("processes", "batchnorm_parts"))
    epochs = value.get("max_epochs")
    return counts and (epochs is None or _is_whole(epochs)) and isinstance(value.get("test_seen", False), bool)


EXPECTED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "name": (_is_text, "text"),
    "arm": (_is_text, "text"),
    "seed": (_is_whole, "a whole number"),
    "loss": (_is_text, "the name of a class"),
    "net": (_is_text, "the name of a class"),
    "data": (_is_data, "name, fingerprints and shape of the data"),
    "classes": (_list_of(_is_text), "a list of names"),
    "epochs": (_is_count, "a whole number >= 0"),
    "steps": (_is_count, "a whole number >= 0"),
    "history": (_list_of(_is_start), "a list of starts, each with its step"),
    "train_seconds": (_is_seconds, "seconds"),
    "wall_seconds": (_is_seconds, "seconds"),
    "images_per_second": (_is_seconds, "a number >= 0"),
    "temperature": (_is_temperature, "a number > 0"),
    "val": (_is_scores, "scores"),
    "test": (_is_scores, "scores"),
    "shift": (_mapping_of(_is_scores), "scores by set"),
    "corrupt": (_mapping_of(_mapping_of(_is_scores)), "scores by corruption and severity"),
    "ood": (_mapping_of(lambda value: isinstance(value, dict)), "scores by set"),
    "ood_sets": (_mapping_of(_is_ood_set), "lookalikes and nearness by set"),
    "checksums": (_mapping_of(_is_text), "checksums by file"),
}
"""What is expected of each entry that may stand in a summary, as a test and in words."""
