from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from entreg.__main__ import main
from entreg.cli.resume import best_of_training, is_over
from entreg.errors import ConfigError, RunError
from entreg.runs import Run, write_checkpoint
from tests.cli.test_session import contents
from tests.system.test_cli import one_line_error


def test_without_the_last_checkpoint_a_finished_run_stays_and_is_not_prolonged(
    finished_copy: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    finished_copy.checkpoint("last").unlink()
    before, command = contents(finished_copy), ["fit", "--run", str(finished_copy.path)]
    assert main(command) == 0
    assert "nothing is left to train" in capsys.readouterr().out
    assert main([*command, "--trainer.max_epochs", "3"]) == 1
    assert "cannot be trained from 2 to 3 epochs" in one_line_error(capsys)
    assert contents(finished_copy) == before
    assert main(["test", "--run", str(finished_copy.path)]) == 0


def test_a_run_is_over_when_it_is_finished_and_kept_nothing_to_go_on_from(finished: Run, tmp_path: Path) -> None:
    assert not is_over(finished, {"finished": True}, 3)  # it has its last checkpoint
    run = Run(tmp_path)
    assert not is_over(run, {}, 3)  # killed before its first
    shutil.copy(finished.config, run.config)
    assert is_over(run, {"finished": True}, 2)
    with pytest.raises(RunError, match="cannot be trained from 2 to 3 epochs"):
        is_over(run, {"finished": True}, 3)


def test_what_validation_has_chosen_is_there_or_there_was_none(tmp_path: Path) -> None:
    run = Run(tmp_path)
    with pytest.raises(ConfigError, match="ended before its first validation"):
        best_of_training(run)
    write_checkpoint(run.checkpoint("best"), {"state_dict": {}, "pytorch-lightning_version": "2"})
    assert best_of_training(run) == run.checkpoint("best")
