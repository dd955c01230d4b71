from __future__ import annotations

from collections.abc import Callable

import yaml

from entreg.__main__ import main
from entreg.runs import Run


def test_the_written_config_is_the_resolved_one(fit: Callable[..., Run]) -> None:
    run = fit("--seed_everything", "7", "--trainer.max_epochs", "1")
    config = yaml.safe_load(run.config.read_text())
    assert config["seed_everything"] == config["data"]["init_args"]["seed"] == 7
    assert config["trainer"]["precision"] == "32-true"
    assert config["run"] is None
    assert config["name"] == "mix_ent"


def test_resuming_with_more_epochs_rewrites_the_config(fit: Callable[..., Run]) -> None:
    run = fit("--trainer.max_epochs", "1")
    assert main(["fit", "--run", str(run.path), "--trainer.max_epochs", "2"]) == 0
    assert yaml.safe_load(run.config.read_text())["trainer"]["max_epochs"] == 2
