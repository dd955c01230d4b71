"""A summary closes a record: what is changed afterwards is noticed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from entreg import runs
from entreg.errors import RunError


@pytest.fixture
def run(tmp_path: Path) -> runs.Run:
    run = runs.Run(tmp_path / "a-1")
    run.path.mkdir()
    run.config.write_text("seed_everything: 1\n")
    run.metrics.write_text("step,name,value,time\n0,loss,0.5,1\n")
    runs.write_predictions(run.predictions("test"), torch.zeros(3, 2), torch.zeros(3).long(), torch.arange(3))
    runs.write_summary(run, {"seed": 1, "finished": True, "temperature": 1.25, "coefficients": {"b": 0.1 + 0.2}})
    return run


def _record(run: runs.Run) -> list[Path]:
    return [run.config, run.metrics, *run.all_predictions()]


def test_a_record_that_is_as_it_was_passes_and_its_log_may_grow(run: runs.Run) -> None:
    with run.metrics.open("a") as file:
        file.write("1,loss,0.4,2\n")
    runs.check_unchanged(run, runs.read_summary(run), _record(run))


@pytest.mark.parametrize("changed", range(3))
def test_a_file_that_was_changed_is_named(changed: int, run: runs.Run) -> None:
    path = _record(run)[changed]
    content = bytearray(path.read_bytes())
    content[-2] ^= 1
    path.write_bytes(content)
    with pytest.raises(RunError, match=rf"{path.name}: was changed after summary.json was written"):
        runs.check_unchanged(run, runs.read_summary(run), _record(run))


def test_an_edited_summary_is_refused_until_it_says_that_it_was_meant(run: runs.Run) -> None:
    edited = json.loads(run.summary.read_text()) | {"seed": 2}
    run.summary.write_text(json.dumps(edited))
    with pytest.raises(RunError, match=r'its checksum is another; restore it, or remove its entry "checksums"'):
        runs.read_summary(run)
    del edited["checksums"]
    run.summary.write_text(json.dumps(edited))
    assert runs.read_summary(run) == edited


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("seed", True),
        ("temperature", 0.0),
        ("classes", [1]),
        ("data", {"image_shape": [1, 100_000, 100_000]}),
        ("test", {"acc": "high"}),
        ("wall_seconds", float("nan")),
        ("checksums", [1]),
        ("history", {"step": 0}),
        ("history", [{"step": "0"}]),
        ("history", [{"step": 0, "batchnorm_parts": []}]),
    ],
)
def test_what_no_summary_holds_is_named(key: str, value: object, run: runs.Run) -> None:
    run.summary.write_text(json.dumps({key: value}))
    with pytest.raises(RunError, match=rf"summary.json: is damaged \({key} is"):
        runs.read_summary(run)


def test_another_checkpoint_in_the_place_of_the_best_is_noticed(run: runs.Run) -> None:
    best = run.checkpoint("best")
    runs.write_checkpoint(best, {"state_dict": {}, "pytorch-lightning_version": "2"})
    runs.write_summary(run, {"finished": True})
    runs.write_checkpoint(best, {"state_dict": {"a": torch.ones(1)}, "pytorch-lightning_version": "2"})
    with pytest.raises(RunError, match=r"best\.ckpt: was changed after summary\.json was written; restore it$"):
        runs.check_unchanged(run, runs.read_summary(run), [best])
