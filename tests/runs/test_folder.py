from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from entreg import runs
from entreg.errors import RunError


def test_two_runs_never_share_a_folder(tmp_path: Path) -> None:
    torch.manual_seed(0)
    ids = {runs.new_run(tmp_path, "a b/c").id for _ in range(50) if torch.manual_seed(0)}
    assert len(ids) == 50
    assert runs.new_run(tmp_path, "a b/c").path.name.startswith("a_b_c-")
    assert not any(tmp_path.iterdir())


def test_a_folder_of_something_else_is_neither_used_nor_removed(tmp_path: Path) -> None:
    run = runs.new_run(tmp_path, "a", "mine")
    run.path.mkdir()
    (run.path / "notes.txt").touch()
    with pytest.raises(RunError, match=r"holds notes\.txt and no config\.yaml"):
        runs.create_folder(run)
    assert (run.path / "notes.txt").exists()
    (run.path / "notes.txt").rename(run.path / "lease.json")  # left by a process that was killed
    runs.create_folder(run)


def test_open_run_keeps_the_id_wherever_the_folder_is(tmp_path: Path) -> None:
    folder = tmp_path / "mix_ent-12ab34cd"
    folder.mkdir()
    with pytest.raises(RunError, match=r"holds no config\.yaml"):
        runs.open_run(folder)
    (folder / "config.yaml").touch()
    assert runs.open_run(folder).id == "12ab34cd"


def write_checkpoint(path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    torch.save({"state_dict": {}, "pytorch-lightning_version": "2"}, path)


def test_resume_takes_last_then_previous_then_the_start(tmp_path: Path) -> None:
    run = runs.Run(tmp_path)
    assert run.resume_from() is None
    for name in ("previous", "last"):
        write_checkpoint(run.checkpoint(name))
        assert run.resume_from() == run.checkpoint(name)


@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_a_torn_checkpoint_falls_back_to_the_one_before(share: float, tmp_path: Path) -> None:
    run = runs.Run(tmp_path)
    for name in ("previous", "last"):
        write_checkpoint(run.checkpoint(name))
    whole = run.checkpoint("last").read_bytes()
    run.checkpoint("last").write_bytes(whole[: int(share * len(whole))])
    with pytest.warns(
        UserWarning, match=r"last\.ckpt: cannot be opened as a checkpoint .* going on from previous\.ckpt"
    ):
        assert run.resume_from() == run.checkpoint("previous")
    assert not run.checkpoint("last").exists()  # or the next save would put it in the place of the good one
    assert run.checkpoint("last").with_suffix(".corrupt").is_file()
    assert run.resume_from() == run.checkpoint("previous")


@pytest.mark.parametrize("content", [None, b"nothing", {"weight": torch.zeros(1)}])
def test_what_is_no_checkpoint_is_refused(content: object, tmp_path: Path) -> None:
    if isinstance(content, bytes):
        (tmp_path / "not.ckpt").write_bytes(content)
    elif content is not None:
        torch.save(content, tmp_path / "not.ckpt")
    with pytest.raises(RunError, match=r"not\.ckpt: cannot be opened as a checkpoint"):
        runs.check_checkpoint(tmp_path / "not.ckpt")


def test_two_torn_checkpoints_are_an_error_and_stay(tmp_path: Path) -> None:
    run = runs.Run(tmp_path)
    for name in ("previous", "last"):
        write_checkpoint(run.checkpoint(name))
        run.checkpoint(name).write_bytes(b"torn")
    with pytest.raises(RunError, match=r"last\.ckpt: cannot be opened"):
        run.resume_from()
    assert run.checkpoint("last").is_file()


def test_a_run_without_a_best_checkpoint_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"entreg fit --run"):
        runs.Run(tmp_path).best()


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    runs.write_json(target, {"a": 1})
    with pytest.raises(TypeError, match="not JSON serializable"):
        runs.write_json(target, {"a": object()})
    with pytest.raises(RunError), runs.atomic_path(target):
        pass  # nothing was written to the part
    assert json.loads(target.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [target]


def test_a_summary_is_read_back(tmp_path: Path) -> None:
    run = runs.Run(tmp_path)
    assert runs.read_summary(run) == {}
    runs.write_summary(run, {"a": 1})
    assert runs.read_summary(run) == {"a": 1}


def test_what_cannot_be_written_is_a_run_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="cannot be written"):
        runs.write_json(tmp_path / "file" / "a.json", {})


def test_predictions_are_sorted_by_id_and_float32(tmp_path: Path) -> None:
    logits = torch.randn(5, 3, dtype=torch.float64)
    ids = torch.tensor([3, 0, 4, 1, 2])
    runs.write_predictions(tmp_path / "p" / "test.npz", logits, ids % 3, ids)
    read = runs.read_predictions(tmp_path / "p" / "test.npz")
    assert read["ids"].tolist() == [0, 1, 2, 3, 4]
    assert np.array_equal(read["logits"], logits[ids.argsort()].float().numpy())
    assert np.array_equal(read["targets"], np.arange(5) % 3)


def test_predictions_with_a_pickle_inside_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "evil.npz"
    np.savez(path, logits=np.array([object()], dtype=object), targets=np.zeros(1), ids=np.zeros(1))
    with pytest.raises(RunError, match="is not a file of predictions"):
        runs.read_predictions(path)
