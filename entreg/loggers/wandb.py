"""Weights & Biases: what it is told about a run, and how a run ends there."""

from __future__ import annotations

import os
import sys
from argparse import Namespace as ArgumentNamespace
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import WandbLogger
from typing_extensions import override

from entreg.console import print_line
from entreg.errors import ConfigError
from entreg.loggers.wandb_server import is_logged_in, one_line, wandb_offline_reason, wandb_trouble
from entreg.losses import name_of
from entreg.runs import Run

_FINISH_SECONDS = 30  # that the upload at the end of a run may take; WANDB_FINISH_TIMEOUT says otherwise


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


def describe_run(logger: Namespace, config: Namespace, run: Run, title: str) -> list[str]:
    """Tell W&B which run this is, if that is the logger; return what the user should know of it.

    Args:
        logger: config of a logger, changed in place.
        config: of the command.
        run: the run.
        title: what its seeds share, in a few letters.
    """
    if not logger.class_path.endswith("WandbLogger"):
        return []
    reason = describe_to_wandb(
        logger.init_args,
        run,
        group=title if config.name == f"{title}-s{config.seed_everything}" else config.name,
        title=title,
        loss=name_of(config.model.loss.class_path),
        data=config.data.class_path.rsplit(".", 1)[-1],
        seed=config.seed_everything,
    )
    if logger.class_path.startswith("lightning.") and logger.class_path.endswith(".WandbLogger"):
        logger.class_path = f"{__name__}.{SafeWandbLogger.__name__}"
    if reason is None:
        return []
    return [f"W&B: {reason}, logging offline; later: wandb sync {run.path}/wandb/offline-run-*"]


def describe_to_wandb(
    init_args: Namespace, run: Run, *, group: str, title: str, loss: str, data: str, seed: int
) -> str | None:
    """Fill the arguments of a configured ``WandbLogger`` with which run this is.

    Its id is the run's; name, group, job type and tags (loss, data, seed) are filled where they are not given, so
    that W&B's own tables group, filter and compare runs at once.

    Returns:
        why it works offline, or ``None`` if it does not, or if ``mode`` or ``WANDB_MODE`` decides.

    Raises:
        ConfigError: if the project's name is refused, or online demanded without a login, for which W&B would prompt.
    """
    import wandb  # half a second to import, for those who use it

    _check_project(init_args.project)
    quiet = wandb.Settings(show_info=False, show_warnings=False, finish_timeout_raises=True)
    settings = wandb.setup(settings=quiet).settings
    if "finish_timeout" not in settings.model_fields_set:  # the user has not said how long
        wandb.setup(settings=wandb.Settings(finish_timeout=_FINISH_SECONDS))
    mode, reason = init_args.mode or os.environ.get("WANDB_MODE"), None
    if mode is None:
        reason = wandb_offline_reason(settings.base_url)
        mode = None if reason is None else "offline"
    elif mode == "online" and not is_logged_in(settings.base_url):
        raise ConfigError("W&B: mode is online, but there is no login: wandb login, or WANDB_MODE=offline")
    init_args.mode = mode
    init_args.id = run.id
    init_args.save_dir = str(run.path)
    init_args.name = init_args.name or f"{title}-s{seed}"
    init_args.group = init_args.group or group
    init_args.job_type = init_args.job_type or "fit"
    init_args.tags = init_args.tags or [loss, data, f"seed-{seed}"]
    return reason


def _check_project(name: str | None) -> None:
    import wandb

    try:
        wandb.Settings(project=name)
    except wandb.errors.UsageError as error:
        raise ConfigError(f"trainer.logger: W&B: {error}; choose another --trainer.logger.project") from error


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
    except wandb_trouble() as error:  # most often TimeoutError
        later = f"wandb sync --include-online {folder}"
        print_line(f"W&B: {one_line(error)}, not all of the run was uploaded; later: {later}")
        if isinstance(error, ConnectionError):  # its process is dead: at exit W&B would look for it
            with suppress(ConnectionError):
                wandb.teardown()
            wandb.run = None
