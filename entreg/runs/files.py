"""Files of a run folder: written whole or not at all, read without running any code of theirs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from entreg.files import atomic_path


def write_json(target: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file atomically."""
    with atomic_path(target) as part:
        part.write_text(json.dumps(content, indent=2) + "\n")
