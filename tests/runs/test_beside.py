from __future__ import annotations

from pathlib import Path

import pytest

from entreg.errors import RunError
from entreg.runs import open_run


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("runs/letters-vgg5-mix", "is not there; did you mean runs/letters-vgg5-mix_ent-s0-1f?"),
        ("letters-vgg5-mae-s0-2e", "is not there; did you mean runs/letters-vgg5-mae-s0-2e?"),
        ("1f", "is not there; did you mean runs/letters-vgg5-mix_ent-s0-1f?"),
        ("runs/leters-vgg-mae-s0-2e", "is not there; did you mean runs/letters-vgg5-mae-s0-2e"),
        ("runs", "holds no config.yaml; did you mean runs/letters-vgg5-mae-s0-2e, runs/letters-vgg5-mix_ent-s0-1f?"),
    ],
)
def test_a_run_that_is_not_there_is_told_from_those_that_are(
    asked: str, meant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("letters-vgg5-mix_ent-s0-1f", "letters-vgg5-mae-s0-2e", "notes"):
        (tmp_path / "runs" / name).mkdir(parents=True)
    for folder in Path("runs").glob("letters*"):
        (folder / "config.yaml").touch()
    with pytest.raises(RunError) as raised:
        open_run(asked)
    assert meant in str(raised.value)


def test_nothing_is_offered_where_nothing_is_near(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"is not there$"):
        open_run(tmp_path / "nowhere")
