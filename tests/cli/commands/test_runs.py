from __future__ import annotations

from pathlib import Path

import pytest

from entreg.__main__ import main
from entreg.runs import read_summary, write_summary
from tests.compare.run_folders import write_run


def test_each_run_is_a_line_with_what_it_is_and_how_far_it_came(tmp_path: Path, capsys) -> None:
    done, begun, torn = (write_run(tmp_path, loss) for loss in ("cross_entropy", "mix_ent", "min_ent"))
    write_summary(done, {**read_summary(done), "finished": True, "test": {"acc": 0.9123, "errors": 35, "n": 400}})
    begun.summary.unlink()
    torn.config.write_text("model: [")
    (tmp_path / "notes").mkdir()
    assert main(["runs", str(tmp_path)]) == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert header.split("  ")[0] == "run"
    assert lines[0].split() == [done.path.name, "cross_entropy", "-", "Strokes", "0", "3", "91.23%", "finished"]
    assert lines[1].split() == [torn.path.name, *"------", *lines[1].split()[7:]]
    assert f"cannot be read: {torn.config}: is damaged" in lines[1]
    assert lines[2].split() == [begun.path.name, "mix_ent", "-", "Strokes", "0", "-", "-", "unfinished"]


def test_a_folder_without_runs_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", str(tmp_path)]) == 1
    assert "holds no run folder" in capsys.readouterr().err
