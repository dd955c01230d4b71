from __future__ import annotations

import importlib.metadata
import json

import pytest

from entreg.runs import provenance

CONFIG = {
    "seed_everything": 0,
    "trainer": {"max_epochs": 4, "devices": 1, "logger": {"class_path": "A"}},
    "data": {"class_path": "EMNIST", "init_args": {"root": "a", "batch_size": 8, "seed": 0}},
    "model": {"loss_lr": 1e-4, "compile": False, "graph": True},
    "checkpoint": {"monitor": "val/acc", "every_n_steps": 200},
}


@pytest.mark.parametrize(
    ("path", "same"),
    [
        (("seed_everything",), True),
        (("trainer", "devices"), True),
        (("trainer", "logger"), True),
        (("data", "init_args", "root"), True),
        (("data", "init_args", "seed"), True),
        (("data", "init_args", "batch_size"), False),
        (("trainer", "max_epochs"), False),
        (("model", "loss_lr"), False),
        (("model", "compile"), True),
        (("model", "graph"), True),
        (("checkpoint", "every_n_steps"), True),
        (("checkpoint", "monitor"), False),
    ],
)
def test_arm_ignores_seed_places_and_devices_only(path: tuple[str, ...], same: bool) -> None:
    changed = json.loads(json.dumps(CONFIG))
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = "changed"
    assert (provenance.config_hash(changed) == provenance.config_hash(CONFIG)) is same


def test_a_run_from_before_there_were_graphs_has_the_same_arm() -> None:
    before = {**CONFIG, "model": {"loss_lr": 1e-4, "compile": False}}
    assert provenance.config_hash(before) == provenance.config_hash(CONFIG)


def test_environment_names_the_versions() -> None:
    assert provenance.environment()["versions"]["torch"] == importlib.metadata.version("torch")


def test_a_machine_without_git_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert provenance.environment()["git_commit"] is None


def test_a_function_counts_by_its_name_and_not_by_its_address() -> None:
    def make() -> None: ...

    def other() -> None: ...

    again = type(make)(make.__code__, {}, make.__name__)
    again.__qualname__, again.__module__ = make.__qualname__, make.__module__
    assert provenance.config_hash({"model": {"schedule": make}}) == provenance.config_hash(
        {"model": {"schedule": again}}
    )
    assert provenance.config_hash({"model": {"schedule": make}}) != provenance.config_hash(
        {"model": {"schedule": other}}
    )


def test_the_order_of_keys_does_not_matter() -> None:
    assert provenance.config_hash({"a": 1, "b": 2}) == provenance.config_hash({"b": 2, "a": 1})
