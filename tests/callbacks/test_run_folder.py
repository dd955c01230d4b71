from __future__ import annotations

from datetime import datetime
from unittest.mock import ANY

import pytest
import yaml

from entreg.__main__ import main
from entreg.callbacks.best import BestCheckpoint
from entreg.runs import Run, read_summary, write_summary
from entreg.runs.experiment import arm_of
from entreg.runs.provenance import environment
from entreg.runs.scoring import SCORES


def test_the_written_config_is_the_resolved_one(finished: Run) -> None:
    config = yaml.safe_load(finished.config.read_text())
    assert config["trainer"]["precision"] == "32-true"
    assert config["run"] is None
    assert config["name"] == "mix_ent"


def test_a_start_is_in_the_history(finished: Run) -> None:
    summary = read_summary(finished)
    (start,) = summary["history"]
    assert abs(datetime.fromisoformat(start["time"]).timestamp() - finished.summary.stat().st_mtime) < 600
    assert start["device"]
    assert {key: start[key] for key in ("versions", "git_commit")} == environment() | {"git_commit": ANY}
    told = {"step": 0, "max_epochs": 2, "processes": 1, "batchnorm_parts": 1, "changed": {}, "test_seen": False}
    assert start.items() >= told.items()
    assert summary["arm"] == arm_of(yaml.safe_load(finished.config.read_text()), summary)


def test_a_prolonged_run_says_so_and_is_another_arm(finished_copy: Run) -> None:
    before = read_summary(finished_copy)
    write_summary(finished_copy, {key: value for key, value in before.items() if key != "history"})  # as older ones are
    options = ["--trainer.max_epochs", "3", "--observe.every_n_steps", "3", "--evaluate", "false"]
    assert main(["fit", "--run", str(finished_copy.path), *options]) == 0
    config, after = yaml.safe_load(finished_copy.config.read_text()), read_summary(finished_copy)
    assert config["trainer"]["max_epochs"] == after["epochs"] == 3
    assert "test" not in after  # what it said was of another checkpoint
    begun, prolonged = after["history"]
    assert begun == {"step": 0, "max_epochs": 2}
    assert prolonged["changed"] == {"trainer.max_epochs": 3, "evaluate": False, "observe.every_n_steps": 3}
    assert (prolonged["step"], prolonged["max_epochs"], prolonged["test_seen"]) == (10, 3, True)
    whole = {**after, "history": [{**prolonged, "step": 0}]}
    assert len({before["arm"], after["arm"], arm_of(config, whole)}) == 3


def test_a_better_checkpoint_has_no_score_of_the_one_before_it(
    finished_copy: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[tuple[set[str], bool]] = []

    def stop(*_: object) -> None:
        found.append((set(read_summary(finished_copy)) & set(SCORES), any(finished_copy.all_predictions())))
        raise KeyboardInterrupt

    monkeypatch.setattr(BestCheckpoint, "on_validation_end", stop)
    main(["fit", "--run", str(finished_copy.path), "--trainer.max_epochs", "3"])
    assert found == [(set(), False)]
