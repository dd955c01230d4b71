"""How the command line of a sweep becomes a worker; the worker itself is left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch

from entreg.__main__ import main
from entreg.cli.commands import sweep as command
from entreg.sweep.forks import Forks
from entreg.sweep.places import Place
from entreg.sweep.starters import Interpreters, Starter


class Recorder:
    """In place of the worker: keeps what it is given."""

    made: Recorder

    def __init__(self, board: object, extra: list[str], display: object, starter: Starter, places: list[Place]) -> None:
        Recorder.made = self
        self.extra, self.starter, self.places = extra, starter, places

    def work(self) -> None:
        pass


@pytest.fixture
def sweep(workplace, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Recorder]:
    """Give words to ``entreg sweep`` on a machine with two GPUs; return what became of them."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(command, "Worker", Recorder)
    monkeypatch.setattr(command, "report", lambda board, compare: None)

    def run(*words: str, parameters: str = "seed_everything: [0]", options: str = "") -> Recorder:
        (workplace / "sweep.yaml").write_text(f"name: s\nparameters: {{{parameters}}}\noptions: {{{options}}}\n")
        assert main(["sweep", "--config", "sweep.yaml", *words]) == 0
        return Recorder.made

    return run


def gpus(places: Sequence[Place]) -> list[str | None]:
    return [place.environment.get("CUDA_VISIBLE_DEVICES") for place in places]


def test_one_worker_is_left_everything(sweep: Callable[..., Recorder]) -> None:
    made = sweep("--", "--data.root", "here")
    assert made.places == [Place()]
    assert made.extra == ["--data.root", "here"]


def test_workers_share_the_gpus(sweep: Callable[..., Recorder]) -> None:
    assert gpus(sweep("--workers", "3").places) == ["0", "1", "0"]


@pytest.mark.parametrize("words", [["--trainer.devices", "1"], ["--trainer.devices=auto"]])
def test_who_wants_one_device_a_trial_or_does_not_mind_gets_one(
    words: list[str], sweep: Callable[..., Recorder]
) -> None:
    assert gpus(sweep("--workers", "2", "--", *words).places) == ["0", "1"]


@pytest.mark.parametrize("words", [["--trainer.devices", "2"], ["--trainer.devices=2"]])
def test_a_user_who_names_devices_is_left_to_it(words: list[str], sweep: Callable[..., Recorder]) -> None:
    assert gpus(sweep("--workers", "2", "--", *words).places) == [None, None]
    assert gpus(sweep("--workers", "2", "--name", "t", options="trainer.devices: 2").places) == [None, None]
    both = "trainer.devices: [1, 2]"
    assert gpus(sweep("--workers", "2", "--name", "u", parameters=both).places) == [None, None]


def test_devices_in_a_config_of_the_trials_are_the_users_too(workplace: Path, sweep: Callable[..., Recorder]) -> None:
    for number, (content, expected) in enumerate([("devices: 2", [None, None]), ("devices: 1", ["0", "1"])]):
        (workplace / "fit.yaml").write_text(f"trainer: {{{content}}}\n")
        words = ["--workers", "2", "--name", f"n{number}", "--fit", "[fit.yaml]"]
        assert gpus(sweep(*words).places) == expected
    (workplace / "part.yaml").write_text("devices: 2\n")
    (workplace / "fit.yaml").write_text("trainer: part.yaml\n")  # as shipped configs include theirs
    assert gpus(sweep("--workers", "2", "--name", "included", "--fit", "[fit.yaml]").places) == [None, None]
    assert gpus(sweep("--workers", "2", "--name", "added", "--", "--trainer", "part.yaml").places) == [None, None]


def test_trials_are_forks_where_that_is_safe(sweep: Callable[..., Recorder], monkeypatch: pytest.MonkeyPatch) -> None:
    for platform, kind in (("linux", Forks), ("darwin", Interpreters), ("win32", Interpreters)):
        monkeypatch.setattr("sys.platform", platform)
        assert type(sweep().starter) is kind


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"options": "evaluate: false"}, ()),
        ({"parameters": "evaluate: [true, false]"}, ()),
        ({}, ("--", "--evaluate", "false")),
        ({"fit": "no_evaluation.yaml"}, ()),
    ],
)
def test_trials_that_would_not_be_evaluated_are_refused_before_they_are_trained(
    given: dict[str, str], words: tuple[str, ...], workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workplace / "no_evaluation.yaml").write_text("evaluate: false\n")
    parts = {"parameters": "seed_everything: [0]", "options": "", **given}
    fit = parts.pop("fit", "")
    lines = [f"{key}: {{{content}}}" for key, content in parts.items()]
    (workplace / "sweep.yaml").write_text("\n".join(["name: s", f"fit: [{fit}]", *lines]) + "\n")
    assert main(["sweep", "--config", "sweep.yaml", *words]) == 2
    assert "that of its final evaluation, leave evaluate out" in capsys.readouterr().err
    assert not (workplace / "sweeps").exists()
