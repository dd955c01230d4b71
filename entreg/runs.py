"""The run folder: where the things of a run are, how they are written and read. Needs no trainer.

::

    runs/<name>-<id>/  config.yaml  metrics.csv  summary.json  checkpoints/{best,last,previous}.ckpt
                       predictions/{val,test,ood-<set>,shift-<set>,corrupt-<name>-<severity>}.npz  figures/
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import warnings
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch

from entreg.errors import RunError

_BEFORE_TRAINING = {"lease.json", ".lease.json.lock", ".lease.part.json", "wandb"}


@dataclass(frozen=True)
class Run:
    """Paths of one run folder. The folder's name ends in the run's id, which resume and W&B keep."""

    path: Path

    @property
    def id(self) -> str:
        """Id of the run, stable across resume and requeue."""
        return self.path.name.rsplit("-", 1)[-1]

    @property
    def config(self) -> Path:
        """The resolved config: the truth about the run."""
        return self.path / "config.yaml"

    @property
    def metrics(self) -> Path:
        """Append-only log, one value a row."""
        return self.path / "metrics.csv"

    @property
    def summary(self) -> Path:
        """Final metrics and what they came from."""
        return self.path / "summary.json"

    @property
    def lease(self) -> Path:
        """Who is training the run, see :class:`entreg.lease.Lease`."""
        return self.path / "lease.json"

    @property
    def figures(self) -> Path:
        """Folder of pictures."""
        return self.path / "figures"

    @property
    def started(self) -> bool:
        """Whether training has begun, so that the run can be resumed."""
        return self.config.is_file()

    def checkpoint(self, name: str) -> Path:
        """Path of the checkpoint ``best``, ``last`` or ``previous``."""
        return self.path / "checkpoints" / f"{name}.ckpt"

    def predictions(self, name: str) -> Path:
        """Path of the predictions on a set: ``val``, ``test``, ``ood-<set>``, ``shift-<set>``, ``corrupt-...``."""
        return self.path / "predictions" / f"{name}.npz"

    def forget_predictions(self, keep: Container[str] = ()) -> None:
        """Remove the predictions on all sets but those to keep: they are another checkpoint's."""
        for path in self.predictions("test").parent.glob("*.npz"):
            if path.stem not in keep:
                path.unlink()

    def resume_from(self) -> Path | None:
        """Newest checkpoint that opens: ``last``, or ``previous`` with a warning; ``None`` is the very start.

        Raises:
            RunError: if there are checkpoints and none of them opens.
        """
        there = [path for path in (self.checkpoint("last"), self.checkpoint("previous")) if path.is_file()]
        errors = []
        for path in there:
            try:
                check_checkpoint(path)
            except RunError as error:
                errors.append(error)
                continue
            if errors:  # set aside what is broken, or the next save would keep it in place of the one that opens
                with suppress(FileNotFoundError):  # another process of this run was faster
                    there[0].replace(there[0].with_suffix(".corrupt"))
                warnings.warn(f"{errors[0]}: going on from {path.name}", stacklevel=2)
            return path
        if errors:
            raise errors[0]
        return None

    def best(self) -> Path:
        """Return the checkpoint chosen on validation.

        Raises:
            RunError: if there is none.
        """
        if not self.checkpoint("best").is_file():
            raise RunError(f"{self.path}: holds no checkpoints/best.ckpt; finish it with entreg fit --run {self.path}")
        check_checkpoint(self.checkpoint("best"))
        return self.checkpoint("best")


def check_checkpoint(path: Path) -> None:
    """Raise :class:`RunError` unless ``path`` opens as a checkpoint of tensors and plain values; no code of it runs."""
    try:
        checkpoint = torch.load(path, map_location="meta", weights_only=True)
        if not {"state_dict", "pytorch-lightning_version"} <= set(checkpoint):
            raise RuntimeError("it holds no Lightning state")
    except Exception as error:  # of the bytes of a torn file the reader may make anything
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RunError(f"{path}: cannot be opened as a checkpoint ({reason})") from error


def new_run(root: Path, name: str, run_id: str | None = None) -> Run:
    """Name a run, by default one that does not exist yet; nothing is written.

    An id that is not given is drawn from the system, never from the seed, so that two runs never share a folder.
    """
    slug = re.sub(r"[^A-Za-z0-9_.]+", "_", name) or "run"
    return Run(root / f"{slug}-{run_id or secrets.token_hex(4)}")


def create_folder(run: Run) -> None:
    """Make the folder of a new run; what a process that was killed before training has left there may stay.

    Raises:
        RunError: if it cannot be made, or holds anything else.
    """
    try:
        run.path.mkdir(parents=True, exist_ok=True)
        foreign = {path.name for path in run.path.iterdir()} - _BEFORE_TRAINING
        if foreign and not run.started:
            raise RunError(f"{run.path}: holds {min(foreign)} and no config.yaml, so no run: choose another --id")
    except OSError as error:
        raise RunError(f"{run.path}: cannot be made ({error.strerror}), choose another --runs") from error


def remove_unless_started(run: Run) -> None:
    """Remove the folder of a new run that failed before training, so that nothing half-written stays."""
    if not run.started:
        shutil.rmtree(run.path)
        with suppress(OSError):  # other runs are there
            run.path.parent.rmdir()


def open_run(path: str | os.PathLike[str]) -> Run:
    """Open an existing run folder.

    Raises:
        RunError: if it is not one.
    """
    run = Run(Path(path).resolve())
    if not run.started:
        raise RunError(f"{path}: is not a run folder, it holds no config.yaml")
    return run


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a path beside ``target`` to write to; it replaces ``target`` once it is safely on disk, or is removed."""
    part = target.with_name(f".{target.stem}.part{target.suffix}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(target)
    except OSError as error:
        raise RunError(f"{target}: cannot be written ({error.strerror})") from error
    finally:
        with suppress(OSError):  # the folder may not even exist
            part.unlink()


def write_json(target: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file atomically."""
    with atomic_path(target) as part:
        part.write_text(json.dumps(content, indent=2) + "\n")


def read_summary(run: Run) -> dict[str, Any]:
    """Read ``summary.json``; empty if there is none yet."""
    return json.loads(run.summary.read_text()) if run.summary.is_file() else {}


def write_summary(run: Run, content: Mapping[str, Any]) -> None:
    """Write ``summary.json``."""
    write_json(run.summary, content)


def write_predictions(target: Path, logits: torch.Tensor, targets: torch.Tensor, ids: torch.Tensor) -> None:
    """Write predictions sorted by sample id: ``logits`` float32, ``targets`` and ``ids`` int64."""
    order = ids.argsort()
    with atomic_path(target) as part:
        np.savez(
            part,
            logits=logits[order].float().cpu().numpy(),
            targets=targets[order].cpu().numpy(),
            ids=ids[order].cpu().numpy(),
        )


def read_predictions(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Read predictions; no pickles are opened.

    Raises:
        RunError: if the file is not a file of predictions.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found = {key: arrays[key] for key in ("logits", "targets", "ids")}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise RunError(f"{path}: is not a file of predictions ({error})") from error
    rows, (n, *_) = found["logits"], found["logits"].shape or (0,)
    if rows.ndim != 2 or rows.dtype.kind != "f" or any(found[key].shape != (n,) for key in ("targets", "ids")):
        shapes = ", ".join(f"{key} {array.dtype}{list(array.shape)}" for key, array in found.items())
        raise RunError(f"{path}: is not a file of predictions ({shapes}; expected logits (N, C), targets and ids (N,))")
    return found
