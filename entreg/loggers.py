"""Loggers: the run folder's own append-only CSV, and how W&B is told about a run."""

from __future__ import annotations

import csv
import netrc
import os
import ssl
import sys
import time
from argparse import Namespace as ArgumentNamespace
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

from jsonargparse import Namespace
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import WandbLogger
from lightning.pytorch.loggers.logger import Logger
from lightning.pytorch.utilities import rank_zero_only
from typing_extensions import override

from entreg.errors import ConfigError, RunError
from entreg.losses import name_of
from entreg.report import print_line
from entreg.runs import Run

_FIELDS = ("step", "name", "value", "time")
_ANSWER_SECONDS = 5  # in which W&B has to answer
_FINISH_SECONDS = 30  # that the upload at the end of a run may take; WANDB_FINISH_TIMEOUT says otherwise
_GATEWAY_ERRORS = (502, 503, 504)  # of a proxy whose server is away


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
        try:
            self._append(metrics, step)
        except OSError as error:
            raise RunError(f"{self.run.metrics}: cannot be written ({error.strerror})") from error

    def _append(self, metrics: Mapping[str, float], step: int | None) -> None:
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


class SafeWandbLogger(WandbLogger):
    """Lightning's ``WandbLogger``, but trouble with W&B once training has begun is said in a line and costs no more.

    Attributes:
        lost: whether W&B's own process has ended, so that nothing more can be logged.
    """

    lost = False
    _said = ""

    @override
    def log_hyperparams(self, params: dict[str, Any] | ArgumentNamespace) -> None:
        super().log_hyperparams(params)
        import wandb

        # The run has begun: from now on W&B's warnings matter, as that it has given up uploading.
        wandb.termsetup(wandb.setup().settings.model_copy(update={"show_warnings": True}), None)

    @override
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        self._try(super().log_metrics, metrics, step)

    @override
    def after_save_checkpoint(self, checkpoint_callback: ModelCheckpoint) -> None:
        self._try(super().after_save_checkpoint, checkpoint_callback)

    @override
    def finalize(self, status: str) -> None:
        self._try(super().finalize, status)

    def _try(self, log: Callable[..., None], *args: Any) -> None:
        if self.lost:
            return
        try:
            log(*args)
        except wandb_trouble() as error:
            self.lost = isinstance(error, ConnectionError)
            if (said := one_line(error)) != self._said:
                lost = "nothing more is" if self.lost else "this is not"
                print_line(f"W&B: {said}; {lost} logged to it, all of it is in the run folder")
            self._said = said


def prepare_wandb(logger: Namespace, config: Namespace, run: Run, arm: str) -> list[str]:
    """Tell W&B which run this is, if that is the logger; return what the user should know of it.

    Args:
        logger: config of a logger, changed in place.
        config: of the command.
        run: the run.
        arm: hash of the experiment.
    """
    if not logger.class_path.endswith("WandbLogger"):
        return []
    reason = describe_to_wandb(
        logger.init_args,
        run,
        group=config.name,
        loss=name_of(config.model.loss.class_path),
        data=config.data.class_path.rsplit(".", 1)[-1],
        seed=config.seed_everything,
        arm=arm,
    )
    if logger.class_path.startswith("lightning.") and logger.class_path.endswith(".WandbLogger"):
        logger.class_path = f"{__name__}.{SafeWandbLogger.__name__}"
    if reason is None:
        return []
    return [f"W&B: {reason}, logging offline; later: wandb sync {run.path}/wandb/offline-run-*"]


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

    quiet = wandb.Settings(show_info=False, show_warnings=False, finish_timeout_raises=True)
    settings = wandb.setup(settings=quiet).settings
    if "finish_timeout" not in settings.model_fields_set:  # the user has not said how long
        wandb.setup(settings=wandb.Settings(finish_timeout=_FINISH_SECONDS))
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


def wandb_trouble() -> tuple[type[Exception], ...]:
    """What a call of W&B can end in: what it raises, and ``OSError`` if its process has ended or files fail it."""
    return (*wandb_errors(), OSError)


def finish_wandb(exit_code: int) -> None:
    """End the process's W&B run, if there is one, so that the next one is another; say so if it is not all uploaded."""
    if "wandb" not in sys.modules:
        return
    import wandb

    if wandb.run is None:
        return
    folder = Path(wandb.run.dir).parent
    try:
        wandb.finish(exit_code=exit_code)
    except wandb_trouble() as error:  # TimeoutError above all
        later = f"wandb sync --include-online {folder}"
        print_line(f"W&B: {one_line(error)}, not all of the run was uploaded; later: {later}")
        if isinstance(error, ConnectionError):  # neither exit nor the next run may look for the process that is dead
            with suppress(ConnectionError):
                wandb.teardown()
            wandb.run = None


def wandb_offline_reason(base_url: str) -> str | None:
    """Why W&B has to work offline: no login, or no answer; ``None`` if it can be online."""
    return wandb_unreachable(base_url) if _logged_in(base_url) else "not logged in"


def wandb_unreachable(base_url: str) -> str | None:
    """Why the server of W&B cannot be reached, through the environment's proxy if it has one; ``None`` if it answers.

    Any answer will do, and it is asked without the key: whether the key is good, W&B itself will say.
    """
    unverified = ssl.create_default_context()  # W&B verifies the server, against authorities that may be its own
    unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
    host = urlsplit(base_url).hostname
    try:
        urlopen(base_url, timeout=_ANSWER_SECONDS, context=unverified).close()
    except HTTPError as error:
        return f"{host} answers {error.code} {error.reason}" if error.code in _GATEWAY_ERRORS else None
    except (OSError, HTTPException) as error:
        return f"{host} cannot be reached ({error.reason if isinstance(error, URLError) else error})"
    return None


def one_line(error: Exception) -> str:
    """What an error of W&B says, as a part of a line."""
    said = " ".join(str(error).split()).rstrip(".")
    return f"its process has ended ({said})" if isinstance(error, ConnectionError) else said


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
