"""What the folder of a sweep says of its trials, which may come from a stranger: data, checked before it is used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial

from entreg.errors import RunError
from entreg.sweep.config import Range, Sweep

_NUMBERS = ("attempts", "cell", "deaths", "retry_of")


def check_trial(sweep: Sweep, trial: FrozenTrial) -> None:
    """Refuse a trial that names what is not the sweep's: an option of ``entreg fit``, a value, a place.

    Args:
        sweep: as the user who works on it has defined it.
        trial: as a journal or a database has it.

    Raises:
        RunError: naming the trial, the key and the value.
    """
    waiting = trial.system_attrs.get("fixed_params", {})
    if not isinstance(waiting, dict):
        raise _foreign(sweep, trial, "fixed_params", waiting, "expected values by parameter")
    for key, value in {**waiting, **trial.params}.items():
        if key not in sweep.parameters:
            raise _foreign(sweep, trial, key, value, "which is no parameter of the sweep")
        if not _is_within(value, sweep.parameters[key]):
            raise _foreign(sweep, trial, key, value, f"expected {_described(sweep.parameters[key])}")
    run = trial.user_attrs.get("run", "run")
    if not isinstance(run, str) or not is_name(run):
        raise _foreign(sweep, trial, "run", run, "expected the name of a folder")
    for key in _NUMBERS:
        if not isinstance(number := trial.user_attrs.get(key, 0), int):
            raise _foreign(sweep, trial, key, number, "expected a number")
    for value in (*(trial.values or ()), *trial.intermediate_values.values()):
        if not isinstance(value, int | float):
            raise _foreign(sweep, trial, sweep.metric, value, "expected a number")


def is_name(text: str) -> bool:
    r"""Whether a text names one thing in a folder, and leads nowhere else.

    Example:
        >>> [is_name(text) for text in ("mix_ent-1f", "..", "a/b", "/a", "", "a\0")]
        [True, False, False, False, False, False]
    """
    return text not in ("", ".", "..") and not set(text) & {"/", "\\", "\0"}


def no_link(path: Path) -> Path:
    """Return the path of something in the folder of a sweep.

    Raises:
        RunError: if it is a link, which would lead elsewhere.
    """
    if path.is_symlink():
        raise RunError(f"{path}: is a link, and what is in the folder of a sweep stays in it; put what it names there")
    return path


def _is_within(value: Any, allowed: Any) -> bool:
    if not isinstance(allowed, Range):
        return any(type(value) is type(known) and value == known for known in allowed)
    whole = isinstance(allowed.low, int) and isinstance(allowed.high, int)
    is_number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    return is_number and bool(allowed.low <= value <= allowed.high)


def _described(allowed: Any) -> str:
    return f"{allowed.low} to {allowed.high}" if isinstance(allowed, Range) else f"one of {list(allowed)}"


def _foreign(sweep: Sweep, trial: FrozenTrial, key: str, value: Any, expected: str) -> RunError:
    return RunError(
        f"trial {trial.number} of this study has {key} = {value!r}, {expected}; "
        f"it is not the sweep {sweep.name}: choose another --folder"
    )
