"""What configs of former versions say, said as it is today."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

WARP = "entreg.data.Warp"
_OF_WARP = {"distortion", "perspective_p", "degrees"}


def as_today(config: dict[str, Any]) -> dict[str, Any]:
    """Return a config with the class of its augmentation, which was left out while there was but one.

    Example:
        >>> as_today({"data": {"init_args": {"augment": {"degrees": 5.0}}}})["data"]["init_args"]["augment"]
        {'class_path': 'entreg.data.Warp', 'init_args': {'degrees': 5.0}}
    """
    data = config["data"]
    arguments = data.get("init_args", {})
    augment = arguments.get("augment")
    if not isinstance(augment, Mapping) or not augment or not augment.keys() <= _OF_WARP:
        return config
    named = {"class_path": WARP, "init_args": augment}
    return {**config, "data": {**data, "init_args": {**arguments, "augment": named}}}


def is_warped(config: Mapping[str, Any]) -> bool:
    """Whether a config of today has the augmentation whose options a former one may give without its class."""
    augment = config["data"].get("init_args", {}).get("augment")
    return isinstance(augment, Mapping) and augment.get("class_path") == WARP
