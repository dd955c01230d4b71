"""Loggers: the run folder's own append-only CSV, and how W&B is told about a run."""

from entreg.loggers.csv import CSVLog
from entreg.loggers.wandb import SafeWandbLogger, describe_run, describe_to_wandb, finish_wandb
from entreg.loggers.wandb_server import wandb_errors, wandb_offline_reason, wandb_trouble, wandb_unreachable

__all__ = [
    "CSVLog",
    "SafeWandbLogger",
    "describe_run",
    "describe_to_wandb",
    "finish_wandb",
    "wandb_errors",
    "wandb_offline_reason",
    "wandb_trouble",
    "wandb_unreachable",
]
