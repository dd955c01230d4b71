"""Which experiment a run is: what tells arms apart, and what does not."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from entreg.__main__ import main
from entreg.runs.experiment import arm_of, changes, is_free

OF_72A9685 = Path(__file__).with_name("config-72a9685.yaml")
CONFIG = yaml.safe_load(OF_72A9685.read_text())
SUMMARY: dict[str, Any] = {"data": {"train": "8afb42db2c39d771"}, "steps": 100}
ONE, TWO = {"batchnorm_parts": 1, "max_epochs": 10}, {"batchnorm_parts": 2, "max_epochs": 10}


def with_value(config: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(config)
    *sections, last = key.split(".")
    inner = changed
    for section in sections:
        inner = inner[section]
    inner[last] = value
    return changed


@pytest.mark.parametrize(
    ("key", "same", "may_change"),
    [
        ("seed_everything", True, False),
        ("data.init_args.seed", True, False),
        ("trainer.devices", True, True),
        ("trainer.logger", True, True),
        ("data.init_args.root", True, True),
        ("model.compile", True, True),
        ("model.graph", True, True),
        ("checkpoint.every_n_steps", True, True),
        ("data.init_args.batch_size", False, False),
        ("trainer.max_epochs", False, False),
        ("trainer.callbacks", False, False),
        ("model.loss_lr", False, False),
        ("checkpoint.monitor", False, False),
    ],
)
def test_an_arm_ignores_seeds_and_what_may_change_when_a_run_goes_on(key: str, same: bool, may_change: bool) -> None:
    changed = with_value(CONFIG, key, "changed")
    assert (arm_of(changed, SUMMARY) == arm_of(CONFIG, SUMMARY)) is same
    assert is_free(key) is may_change


def test_an_augmentation_is_its_class_and_options_and_a_warp_its_options_as_it_once_was() -> None:
    def arm(class_path: str, **options: float) -> str:
        named = {"class_path": class_path, "init_args": options}
        return arm_of(with_value(CONFIG, "data.init_args.augment", named), SUMMARY)

    warp = CONFIG["data"]["init_args"]["augment"]
    assert arm("entreg.data.Warp", **warp) == arm_of(CONFIG, SUMMARY)
    weaker, own = arm("entreg.data.Warp", **{**warp, "degrees": 5.0}), arm("my_file.Warp", **warp)
    none = arm_of(with_value(CONFIG, "data.init_args.augment", None), SUMMARY)
    assert len({arm_of(CONFIG, SUMMARY), weaker, own, none, arm("entreg.data.FlipCrop")}) == 5


def test_todays_config_of_an_experiment_of_then_is_the_same_arm(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["fit", "--config", str(OF_72A9685), "--seed_everything", "5", "--print_config"])
    today = yaml.safe_load(capsys.readouterr().out)
    assert today["model"]["graph"]
    assert arm_of(today, SUMMARY) == arm_of(CONFIG, SUMMARY) == "53e577abc9aa"


def test_a_key_that_an_older_config_lacks_means_what_it_meant_then() -> None:
    older = copy.deepcopy(CONFIG)
    del older["checkpoint"], older["data"]["init_args"]["damage"], older["data"]["init_args"]["mix"]
    assert arm_of(older, SUMMARY) == arm_of(CONFIG, SUMMARY)
    callbacks = [{"class_path": "EarlyStopping", "init_args": {"patience": 5}}]
    newer = [{"class_path": "EarlyStopping", "init_args": {"patience": 5, "new": None}}]
    assert arm_of({"trainer": {"callbacks": callbacks}}, {}) == arm_of({"trainer": {"callbacks": newer}}, {})


@pytest.mark.parametrize(
    ("summary", "same"),
    [
        ({"data": {"train": "another"}}, False),
        ({"data": {}}, False),
        ({"data": {**SUMMARY["data"], "pixels": "another"}, "arm": "told"}, True),
        ({"history": [{"step": 0, **ONE}]}, True),
        ({"history": [{"step": 0, **TWO}]}, False),
        ({"history": [{"step": 0, **ONE}, {"step": 50, **TWO}]}, False),
        ({"history": [{"step": 0, **TWO}, {"step": 0, **ONE}, {"step": 100, **TWO}]}, True),  # nothing left of two
        ({"history": [{"step": 0, "max_epochs": 5}, {"step": 50, "max_epochs": 10}]}, False),
        ({"history": [{"step": 0, "max_epochs": 5}, {"step": 0, "max_epochs": 10}]}, True),
    ],
)
def test_data_processes_and_prolonging_are_part_of_an_arm(summary: dict[str, Any], same: bool) -> None:
    assert (arm_of(CONFIG, {**SUMMARY, **summary}) == arm_of(CONFIG, SUMMARY)) is same


def test_a_function_counts_by_its_name_and_not_by_its_address() -> None:
    def make() -> None: ...

    def other() -> None: ...

    again = type(make)(make.__code__, {}, make.__name__)
    again.__qualname__, again.__module__ = make.__qualname__, make.__module__
    assert changes({"model": {"schedule": make}}, {"model": {"schedule": again}}) == {}
    assert list(changes({"model": {"schedule": make}}, {"model": {"schedule": other}})) == ["model.schedule"]


def test_the_order_of_keys_does_not_matter() -> None:
    assert arm_of({"a": 1, "b": 2}, {}) == arm_of({"b": 2, "a": 1}, {})
