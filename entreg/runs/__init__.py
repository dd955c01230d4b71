"""The run folder: where the things of a run are, who works on it, and what follows from them. Needs no trainer."""

from entreg.runs.files import atomic_path, check_checkpoint, read_predictions, write_json, write_predictions
from entreg.runs.folder import (
    Run,
    create_folder,
    new_run,
    open_run,
    read_summary,
    remove_unless_started,
    write_summary,
)
from entreg.runs.lease import Lease

__all__ = [
    "Lease",
    "Run",
    "atomic_path",
    "check_checkpoint",
    "create_folder",
    "new_run",
    "open_run",
    "read_predictions",
    "read_summary",
    "remove_unless_started",
    "write_json",
    "write_predictions",
    "write_summary",
]
