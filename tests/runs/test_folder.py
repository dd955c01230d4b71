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
    assert runs.new_run(tmp_path, "--../my-run-s0").path.name.startswith("_my-run-s0-")
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
    (run.path / f".{'0' * 16}.part.json").touch()
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


@pytest.mark.parametrize("name", ["predictions", "checkpoints/last.ckpt", "metrics.csv", "wandb"])
def test_a_run_from_which_a_name_leads_elsewhere_is_not_opened(name: str, tmp_path: Path) -> None:
    run, elsewhere = runs.Run(tmp_path / "a-1"), tmp_path / "elsewhere"
    (run.path / name).parent.mkdir(parents=True)
    elsewhere.mkdir()
    run.config.touch()
    (tmp_path / "link").symlink_to(run.path)
    assert runs.open_run(tmp_path / "link").path == run.path
    (run.path / name).symlink_to(elsewhere)
    with pytest.raises(RunError, match=f"a-1/{name}: is a link"):
        runs.open_run(run.path)
    with pytest.raises(RunError, match=f"a-1/{name}: is a link"):
        runs.new_run(tmp_path, "a", "1")


def test_a_new_run_is_not_begun_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    run = runs.new_run(tmp_path, "a", "1")
    run.path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match="is a link"):
        runs.create_folder(run)


def test_what_killed_processes_were_writing_is_removed(tmp_path: Path) -> None:
    run, token = runs.Run(tmp_path), "0123456789abcdef"
    left = [tmp_path / f".{token}.part.json", *(run.checkpoint(f".{token}.part"), run.predictions(f".{token}.part"))]
    kept = [run.checkpoint("last"), run.checkpoint(".mine.part")]
    for path in (*left, *kept):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    run.discard_leftovers()
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in kept)


def test_a_run_that_has_trained_is_not_taken_back_with_its_config(tmp_path: Path) -> None:
    run = runs.Run(tmp_path / "a-1")
    runs.remove_unless_started(run)  # deleted by somebody else
    run.checkpoint("last").parent.mkdir(parents=True)
    runs.remove_unless_started(run)
    assert run.path.exists()
