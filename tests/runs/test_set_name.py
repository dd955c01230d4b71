"""Names of evaluation sets, as files of predictions carry them."""

from __future__ import annotations

from pathlib import Path

import pytest

from entreg.runs import Run
from entreg.runs.set_name import TEST, VAL, SetKind, SetName

NAMES = {
    "val": VAL,
    "test": TEST,
    "ood-kmnist": SetName(SetKind.OOD, "kmnist"),
    "ood-emnist-mnist": SetName(SetKind.OOD, "emnist-mnist"),
    "shift-letters": SetName(SetKind.SHIFT, "letters"),
    "corrupt-motion-blur-10": SetName(SetKind.CORRUPT, "motion-blur", 10),
}


@pytest.mark.parametrize("stem", NAMES)
def test_a_name_is_read_and_written(stem: str) -> None:
    assert SetName.parse(stem) == NAMES[stem]
    assert NAMES[stem].stem == stem
    assert Run(Path("run")).predictions(NAMES[stem]) == Run(Path("run")).predictions(stem)


def test_other_files_are_no_sets() -> None:
    for stem in ("", "train", "test-2", "val-", "ood", "ood-", "shift-", "corrupt-blur", "corrupt-3", "corrupt-blur-x"):
        assert SetName.parse(stem) is None, stem
