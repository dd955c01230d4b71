from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from entreg.__main__ import main
from entreg.cli import session
from entreg.errors import Interrupted
from entreg.runs import Run, read_summary, write_summary
from tests.system.test_cli import one_line_error


def contents(run: Run) -> dict[Path, bytes]:
    """All files of a run."""
    return {path.relative_to(run.path): path.read_bytes() for path in run.path.rglob("*") if path.is_file()}


def test_a_run_that_goes_on_keeps_its_seconds_and_no_score_of_before(finished_copy: Run) -> None:
    before = read_summary(finished_copy)
    write_summary(finished_copy, {**before, "wall_seconds": 1000.0, "shift": {"gone": before["test"]}})
    assert main(["fit", "--run", str(finished_copy.path)]) == 0
    after = read_summary(finished_copy)
    assert 1000 < after["wall_seconds"] < 1300
    assert after.keys() == before.keys()
    assert after["test"] == before["test"]


def lost(path: Path) -> None:
    path.unlink()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


@pytest.mark.parametrize(("damage", "options"), [(lost, []), (cut, ["--trainer.max_epochs", "3"])])
def test_without_the_best_checkpoint_nothing_is_taken_back(
    damage: Callable[[Path], None], options: list[str], finished_copy: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(finished_copy.checkpoint("best"))
    before = contents(finished_copy)
    assert main(["fit", "--run", str(finished_copy.path), *options]) == 1
    error = one_line_error(capsys)
    assert "best.ckpt: cannot be opened as a checkpoint" in error
    assert "put a copy of it back, or look at the last weights: entreg test --run" in error
    assert contents(finished_copy) == before
    assert main(["test", "--run", str(finished_copy.path)]) == 1
    assert "put a copy of it back" in one_line_error(capsys)


def test_a_log_that_has_lost_its_tail_is_told_of(finished_copy: Run, capsys: pytest.CaptureFixture[str]) -> None:
    rows = finished_copy.metrics.read_bytes().splitlines(keepends=True)[:40]
    finished_copy.metrics.write_bytes(b"".join(rows)[:-1])
    command, step = ["fit", "--run", str(finished_copy.path), "--evaluate", "false"], rows[-2].split(b",")[0].decode()
    for _ in range(2):  # there is no later checkpoint: the second goes on from where the first did
        assert main(command) == 0
        assert f"{finished_copy.metrics}: the rows after step {step} are lost" in capsys.readouterr().out
        summary = read_summary(finished_copy)
        assert list(summary["metrics_lost"]) == [step]
        assert summary["finished"]
        assert "test" in summary  # nothing was left to train
        assert finished_copy.predictions("test").is_file()
        written = finished_copy.metrics.read_bytes().splitlines()
        assert written[:39] == [row.rstrip() for row in rows[:39]]
        assert {line.count(b",") for line in written if line} == {3}


def test_a_log_that_is_damaged_is_refused_before_anything_is_written(
    finished_copy: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = finished_copy.metrics.read_bytes().splitlines(keepends=True)
    finished_copy.metrics.write_bytes(b"".join([*rows[:4], b"no row\r\n", *rows[5:]]))
    before = contents(finished_copy)
    assert main(["fit", "--run", str(finished_copy.path)]) == 1
    assert "metrics.csv: line 5 is not step,name,value,time as the run wrote it" in one_line_error(capsys)
    assert contents(finished_copy) == before


def test_a_folder_of_a_run_that_is_a_link_is_left_alone(
    finished_copy: Run, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    precious = shutil.copytree(finished_copy.predictions("test").parent, workplace / "precious")
    shutil.rmtree(finished_copy.predictions("test").parent)
    finished_copy.predictions("test").parent.symlink_to(precious)
    names = sorted(precious.iterdir())
    (workplace / "one.png").touch()
    for command in ("fit", "test", "validate", "predict"):
        images = ["--images", "one.png"] if command == "predict" else []
        assert main([command, "--run", str(finished_copy.path), *images]) == 1
        assert "predictions: is a link" in one_line_error(capsys)
    assert sorted(precious.iterdir()) == names


def test_no_temperature_comes_from_other_predictions(finished_copy: Run, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(finished_copy.predictions("test"), finished_copy.predictions("val"))
    assert main(["test", "--run", str(finished_copy.path)]) == 1
    assert "val.npz: was changed after summary.json was written" in one_line_error(capsys)
    assert main(["validate", "--run", str(finished_copy.path)]) == 0


def test_a_command_goes_by_its_own_options_whatever_one_before_it_in_the_process_has_set(finished_copy: Run) -> None:
    try:
        for deterministic in (True, False):
            options = ["--trainer.deterministic", "true"] if deterministic else []
            assert main(["test", "--run", str(finished_copy.path), *options]) == 0
            assert torch.are_deterministic_algorithms_enabled() is deterministic
    finally:
        torch.use_deterministic_algorithms(False)


def while_it_waits_for_the_lease(monkeypatch: pytest.MonkeyPatch, then: Callable[[], object]) -> None:
    """Have something happen to a run after its config was read and before it is ours."""

    def create_folder(run: Run) -> None:
        then()

    monkeypatch.setattr(session, "create_folder", create_folder)


def test_a_run_that_another_process_finishes_meanwhile_is_not_trained_again(
    finished_copy: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    finished_copy.checkpoint("last").unlink()  # as with --checkpoint.keep best
    (finished_copy.checkpoint("last").with_suffix(".sha256")).unlink(missing_ok=True)
    whole, summary = contents(finished_copy), finished_copy.summary.read_bytes()
    write_summary(finished_copy, {"finished": False})
    while_it_waits_for_the_lease(monkeypatch, lambda: finished_copy.summary.write_bytes(summary))
    assert main(["fit", "--run", str(finished_copy.path)]) == 0
    assert "nothing is left to train" in capsys.readouterr().out
    assert contents(finished_copy) == whole


def test_a_run_that_becomes_another_meanwhile_is_left_alone(
    finished_copy: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prolonged = finished_copy.config.read_text().replace("max_epochs: 2", "max_epochs: 3")
    while_it_waits_for_the_lease(monkeypatch, lambda: finished_copy.config.write_text(prolonged))
    before = contents(finished_copy) | {Path("config.yaml"): prolonged.encode()}
    assert main(["fit", "--run", str(finished_copy.path)]) == Interrupted.exit_code
    assert "another process has begun or changed this run meanwhile" in capsys.readouterr().err
    assert contents(finished_copy) == before
