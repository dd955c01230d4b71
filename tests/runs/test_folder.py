from __future__ import annotations

from pathlib import Path

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
    (run.path / "wandb").mkdir()  # likewise
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


def test_a_summary_is_read_back(tmp_path: Path) -> None:
    run = runs.Run(tmp_path)
    assert runs.read_summary(run) == {}
    runs.write_summary(run, {"a": 1})
    assert runs.read_summary(run)["a"] == 1
