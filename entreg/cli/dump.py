"""How configs are written: YAML, members of an enum as their values."""

from __future__ import annotations

from enum import Enum
from typing import Any

import yaml


class _Dumper(yaml.SafeDumper):
    """Knows enums, which some of Lightning's classes have for defaults."""


_Dumper.add_multi_representer(Enum, lambda dumper, member: dumper.represent_data(member.value))


def dump(config: dict[str, Any]) -> str:
    """Return a config as YAML."""
    return yaml.dump(config, Dumper=_Dumper, default_flow_style=False, allow_unicode=True, sort_keys=False)
