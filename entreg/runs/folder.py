"""The run folder: where the things of a run are, how they are written and read. Needs no trainer.

::

    runs/<name>-<id>/  config.yaml  metrics.csv  summary.json  checkpoints/{best,last,previous}.ckpt
                       predictions/{val,test,ood-<set>,shift-<set>,corrupt-<name>-<severity>}.npz  figures/
"""

from __future__ import annotations

import os
import secrets
import shutil
import warnings
from collections.abc import Container
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from entreg.errors import RunError
from entreg.files import check_own, leftovers
from entreg.runs.beside import is_run, near
from entreg.runs.checkpoints import check_checkpoint
from entreg.runs.former import as_today
from entreg.runs.reading import read_yaml
from entreg.runs.set_name import SetName
from entreg.text import for_name, shown

_SECTIONS = {"model": True, "data": True, "trainer": False, "metrics": False, "checkpoint": False}  # whether needed
_BEFORE_TRAINING = {"lease.json", "summary.json", "wandb"}  # and hidden files: locks, and what was half written
_FOLDERS = ("checkpoints", "predictions", "figures")


@dataclass(frozen=True)
class Run:
    """Paths of one run folder. The folder's name ends in the run's id, which resume and W&B keep."""

    path: Path

    @property
    def id(self) -> str:
        """Id of the run, stable across resume and requeue."""
        return self.path.name.rsplit("-", 1)[-1]

    @property
    def name(self) -> str:
        """What stands before the id in the name of the folder."""
        return self.path.name.rpartition("-")[0]

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
        """Who is training the run, see :class:`entreg.runs.lease.Lease`."""
        return self.path / "lease.json"

    @property
    def figures(self) -> Path:
        """Folder of pictures."""
        return self.path / "figures"

    @property
    def started(self) -> bool:
        """Whether training has begun, so that the run can be resumed."""
        return is_run(self.path)

    def checkpoint(self, name: str) -> Path:
        """Path of the checkpoint ``best``, ``last`` or ``previous``."""
        return self.path / "checkpoints" / f"{name}.ckpt"

    def predictions(self, name: str | SetName) -> Path:
        """Path of the predictions on a set: ``val``, ``test``, ``ood-<set>``, ``shift-<set>``, ``corrupt-...``."""
        stem = name.stem if isinstance(name, SetName) else name
        return self.path / "predictions" / f"{stem}.npz"

    def all_predictions(self) -> list[Path]:
        """Paths of the predictions that there are, in the order of their names."""
        return sorted(self.predictions("test").parent.glob("*.npz"))

    def forget_predictions(self, keep: Container[str] = ()) -> None:
        """Remove the predictions on all sets but those to keep: they are another checkpoint's."""
        for path in self.all_predictions():
            if path.stem not in keep:
                path.unlink()

    def discard_leftovers(self) -> None:
        """Remove what killed processes were writing, up to the size of a checkpoint each; only under the lease."""
        for folder in (self.path, *(self.path / name for name in _FOLDERS)):
            for path in leftovers(folder):
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
            if errors:  # out of the way: the next save would keep it as previous.ckpt in place of the one that opens
                with suppress(FileNotFoundError):  # another process of this run has done it already
                    there[0].replace(there[0].with_suffix(".corrupt"))
                warnings.warn(shown(f"{errors[0]}: going on from {path.name}"), stacklevel=2)
            return path
        if errors:
            raise RunError(f"{errors[0]}; put a copy of it back, or begin another run") from errors[0]
        return None

    def best(self) -> Path:
        """Return the checkpoint that validation chose.

        Raises:
            RunError: if the run is not finished so far, or the checkpoint is lost or damaged.
        """
        if not self.checkpoint("best").is_file() and not self.predictions("test").is_file():  # it is not finished
            raise RunError(f"{self.path}: holds no checkpoints/best.ckpt; finish it with entreg fit --run {self.path}")
        return self.kept_best()

    def kept_best(self) -> Path:
        """Return the checkpoint that validation chose, in a run that has had one.

        Raises:
            RunError: if it is lost or damaged: no training comes by it again.
        """
        best, last = self.checkpoint("best"), self.checkpoint("last")
        try:
            check_checkpoint(best)
        except RunError as error:
            look = f", or look at the last weights: entreg test --run {self.path} --ckpt_path {last}"
            raise RunError(f"{error}; put a copy of it back{look if last.is_file() else ''}") from error
        return best


def new_run(root: Path, name: str, run_id: str | None = None) -> Run:
    """Name a run, by default one that does not exist yet; nothing is written.

    An id that is not given is drawn from the system, never from the seed, so that two runs never share a folder.

    Raises:
        RunError: if the folder is there and something in it leads elsewhere.
    """
    run = Run(root / f"{for_name(name) or 'run'}-{run_id or secrets.token_hex(4)}")
    check_own(run.path, _FOLDERS)
    return run


def create_folder(run: Run) -> None:
    """Make the folder of a new run; what a process that was killed before training has left there may stay.

    Raises:
        RunError: if it cannot be made, or holds anything else.
    """
    try:
        run.path.mkdir(parents=True, exist_ok=True)
        foreign = {name for path in run.path.iterdir() if not (name := path.name).startswith(".")} - _BEFORE_TRAINING
        if foreign and not run.started:
            raise RunError(f"{run.path}: holds {min(foreign)} and no config.yaml, so no run: choose another --id")
        if run.path.is_symlink() and not run.started:  # were the run to fail, the folder could not be taken back
            raise RunError(f"{run.path}: is a link, and a new run makes its own folder: choose another --id")
    except OSError as error:
        raise RunError(f"{run.path}: cannot be made ({error.strerror}), choose another --runs") from error


def remove_unless_started(run: Run) -> None:
    """Remove the folder of a new run that failed before training, so that nothing half-written stays."""
    if run.path.exists() and not run.started and not run.checkpoint("last").parent.exists():
        shutil.rmtree(run.path)
        with suppress(OSError):  # it holds other runs
            run.path.parent.rmdir()


def open_run(path: str | os.PathLike[str]) -> Run:
    """Open an existing run folder.

    Raises:
        RunError: if it is not one, or something in it leads elsewhere, where nothing is read, written or removed.
    """
    run = Run(Path(os.path.realpath(path)))  # Path.resolve raises where links go round in a circle
    check_own(run.path, _FOLDERS)
    if not run.started:
        what = "is not a run folder, it holds no config.yaml" if run.path.exists() else "is not there"
        raise RunError(f"{path}: {what}{near(Path(path))}")
    return run


def read_config(run: Run) -> dict[str, Any]:
    """Read ``config.yaml`` as plain values; nothing that it names is imported.

    Raises:
        RunError: if it is damaged, or lacks one of its sections.
    """
    config = read_yaml(run.config)
    for section, is_needed in _SECTIONS.items():
        if not isinstance(config.get(section, None if is_needed else {}), dict):
            raise RunError(f"{run.config}: is damaged ({section} is no mapping), restore it")
    if not isinstance(config["data"].get("init_args", {}), dict):
        raise RunError(f"{run.config}: is damaged (data.init_args is no mapping), restore it")
    return as_today(config)
