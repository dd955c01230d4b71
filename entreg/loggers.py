"""Loggers: the run folder's own append-only CSV, and how W&B is told about a run."""

from __future__ import annotations

import csv
import netrc
import os
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from jsonargparse import Namespace
from lightning.pytorch.loggers.logger import Logger
from lightning.pytorch.utilities import rank_zero_only
from typing_extensions import override

from entreg.errors import ConfigError
from entreg.runs import Run

_FIELDS = ("step", "name", "value", "time")


class CSVLog(Logger):
    """Append metrics to ``metrics.csv``, one value a row: ``step, name, value, time`` (seconds since the epoch).

    Lightning's CSVLogger rewrites its file when a metric appears and deletes it on resume; this one only appends.
    ``pandas.read_csv(path).pivot(index="step", columns="name", values="value")`` gives the wide table.

    Args:
        run: run folder.
    """

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run

    @property
    def name(self) -> str:
        """Name of the run folder."""
        return self.run.path.name

    @property
    def version(self) -> str:
        """Id of the run."""
        return self.run.id

    @override
    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        path = self.run.metrics
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", newline="") as file:
            writer = csv.writer(file)
            if file.tell() == 0:
                writer.writerow(_FIELDS)
            now = f"{time.time():.3f}"
            writer.writerows(
                (step, name, repr(float(value)), now) for name, value in metrics.items() if name != "epoch"
            )

    @override
    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing: config.yaml holds them."""

    def size(self) -> int:
        """Length of the file in bytes, for :meth:`cut`."""
        return self.run.metrics.stat().st_size if self.run.metrics.is_file() else 0

    @rank_zero_only
    def cut(self, size: int) -> None:
        """Cut the file back to ``size`` bytes, its length when the checkpoint to resume from was written."""
        if self.size() > size:
            os.truncate(self.run.metrics, size)


def describe_to_wandb(
    init_args: Namespace, run: Run, *, group: str, loss: str, data: str, seed: int, arm: str
) -> str | None:
    """Fill the arguments of a configured ``WandbLogger`` with which run this is.

    Its id is the run's; name, group, job type and tags (loss, data, seed, arm) are filled where they are not given, so
    that W&B's own tables group, filter and compare runs at once.

    Returns:
        why it works offline, or ``None`` if it does not, or if ``mode`` or ``WANDB_MODE`` decides.

    Raises:
        ConfigError: if online is demanded without a login, for which W&B would prompt.
    """
    import wandb  # half a second to import, for those who use it

    settings = wandb.setup(settings=wandb.Settings(show_info=False, show_warnings=False)).settings
    mode, reason = init_args.mode or os.environ.get("WANDB_MODE"), None
    if mode is None:
        reason = wandb_offline_reason(settings.base_url)
        mode = None if reason is None else "offline"
    elif mode == "online" and not _logged_in(settings.base_url):
        raise ConfigError("W&B: mode is online, but there is no login: wandb login, or WANDB_MODE=offline")
    init_args.mode = mode
    init_args.id = run.id
    init_args.save_dir = str(run.path)
    init_args.name = init_args.name or f"{loss}-seed{seed}"
    init_args.group = init_args.group or group
    init_args.job_type = init_args.job_type or "fit"
    init_args.tags = init_args.tags or [loss, data, f"seed-{seed}", f"arm-{arm}"]
    return reason


def wandb_errors() -> tuple[type[Exception], ...]:
    """What W&B raises, for an ``except`` clause; nothing where it is not in use."""
    wandb = sys.modules.get("wandb")
    return () if wandb is None else (wandb.Error,)


def finish_wandb(exit_code: int) -> None:
    """End the process's W&B run, if there is one, so that the next one is another."""
    wandb = sys.modules.get("wandb")
    if wandb is not None and wandb.run is not None:
        wandb.finish(exit_code=exit_code)


def wandb_offline_reason(base_url: str) -> str | None:
    """Why W&B has to work offline: no login, or no connection; ``None`` if it can be online."""
    if not _logged_in(base_url):
        return "not logged in"
    url = urlsplit(base_url)
    if url.scheme in getproxies():
        return None  # a direct connection would say nothing
    try:
        port = url.port or (443 if url.scheme == "https" else 80)
        socket.create_connection((url.hostname or "", port), timeout=5).close()
    except OSError as error:
        return f"{url.hostname} cannot be reached ({error})"
    return None


def _logged_in(base_url: str) -> bool:
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    path = Path(os.environ.get("NETRC", "~/.netrc")).expanduser()
    if not path.is_file():
        return False
    try:
        return netrc.netrc(str(path)).authenticators(urlsplit(base_url).hostname or "") is not None
    except netrc.NetrcParseError as error:
        raise ConfigError(f"{path}: {error.msg}, so it cannot be told whether W&B is logged in") from error
