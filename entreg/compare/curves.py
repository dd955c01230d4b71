"""Learning curves out of a run's ``metrics.csv``."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from entreg.compare.stats.intervals import Floats
from entreg.errors import RunError
from entreg.runs import read_text

_LONGEST = 256 * 2**20  # bytes: some four million rows
_COLUMNS = {"step": np.int64, "name": str, "value": np.float64, "time": np.float64}


class Curve(NamedTuple):
    """One series of a run.

    Attributes:
        steps: ``(T,)`` int64, strictly increasing optimizer steps.
        seconds: ``(T,)``, seconds since the first row of the file, pauses of resumed runs included.
        values: ``(T,)``.
    """

    steps: NDArray[np.int64]
    seconds: Floats
    values: Floats


def read_curves(path: Path) -> dict[str, Curve]:
    """Read the curves of training and of the validations during training, by name (``val/acc``).

    Evaluations of a finished run are logged to the same file, of its best checkpoint rather than of the last step:
    ``test/*`` is left out, and so are rows of ``val/*`` at the step of a test or after the last step of training. A
    last line that a kill cut short is not read. Of rows with one name, each has to be of a later step than those above.

    Raises:
        RunError: if there is no such file, or it is not one with the columns ``step, name, value, time``.
    """
    text = read_text(path, _LONGEST)
    if text[: text.find("\n")].strip() != ",".join(_COLUMNS):
        raise RunError(f"{path}: expected the columns {','.join(_COLUMNS)}, as entreg fit writes them")
    try:
        table = pd.read_csv(StringIO(text[: text.rfind("\n")]), dtype=_COLUMNS)
    except ValueError as error:
        reason = str(error).splitlines()[0]
        raise RunError(f"{path}: holds a row that is not {','.join(_COLUMNS)} ({reason})") from error
    table["time"] -= table["time"].min()
    tested = table.loc[table["name"].str.startswith("test/"), "step"]
    trained = table.loc[table["name"].str.startswith(("train/", "loss/")), "step"].max()
    evaluation = table["name"].str.startswith("val/") & (table["step"].isin(tested) | (table["step"] > trained))
    table = table[~evaluation & ~table["name"].str.startswith("test/")]
    table = table[table["step"] > table.groupby("name")["step"].transform(lambda s: s.cummax().shift(fill_value=-1))]
    return {
        str(name): Curve(rows["step"].to_numpy(), rows["time"].to_numpy(), rows["value"].to_numpy())
        for name, rows in table.groupby("name", sort=False)
    }


def without_pauses(seconds: ArrayLike, factor: float = 10.0) -> Floats:
    """Close the gaps that a stop and resume left in the times of one series.

    A gap longer than ``factor`` times the median gap is taken for a pause and replaced by the median; with less than
    three gaps nothing can be told and nothing is changed.

    Args:
        seconds: ``(T,)``, not decreasing.
        factor: how much longer a pause is.

    Example:
        >>> without_pauses([0, 10, 20, 5000, 5010]).tolist()
        [0.0, 10.0, 20.0, 30.0, 40.0]
    """
    times = np.asarray(seconds, dtype=np.float64)
    gaps = np.diff(times)
    if len(gaps) < 3:
        return times
    usual = float(np.median(gaps))
    return times[0] + np.concatenate([[0.0], np.where(gaps > factor * usual, usual, gaps).cumsum()])
