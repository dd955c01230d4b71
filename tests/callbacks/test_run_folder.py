from __future__ import annotations

import yaml

from entreg.__main__ import main
from entreg.runs import Run


def test_the_written_config_is_the_resolved_one(finished: Run) -> None:
    config = yaml.safe_load(finished.config.read_text())
    assert config["trainer"]["precision"] == "32-true"
    assert config["run"] is None
    assert config["name"] == "mix_ent"


def test_resuming_with_more_epochs_rewrites_the_config(finished_copy: Run) -> None:
    assert main(["fit", "--run", str(finished_copy.path), "--trainer.max_epochs", "3", "--evaluate", "false"]) == 0
    assert yaml.safe_load(finished_copy.config.read_text())["trainer"]["max_epochs"] == 3
