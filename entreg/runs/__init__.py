"""The run folder: where the things of a run are, who works on it, and what follows from them. Needs no trainer."""

from entreg.runs.beside import near, run_folders
from entreg.runs.checkpoints import check_checkpoint, step_of, write_checkpoint
from entreg.runs.folder import Run, create_folder, new_run, open_run, read_config, remove_unless_started
from entreg.runs.lease import Lease
from entreg.runs.predictions import read_predictions, write_predictions
from entreg.runs.reading import read_text
from entreg.runs.summary import check_unchanged, read_summary, write_summary

__all__ = [
    "Lease",
    "Run",
    "check_checkpoint",
    "check_unchanged",
    "create_folder",
    "near",
    "new_run",
    "open_run",
    "read_config",
    "read_predictions",
    "read_summary",
    "read_text",
    "remove_unless_started",
    "run_folders",
    "step_of",
    "write_checkpoint",
    "write_predictions",
    "write_summary",
]
