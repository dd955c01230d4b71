"""What a sweep shows, on a terminal and in a file."""

from __future__ import annotations

import io
from contextlib import ExitStack
from pathlib import Path

import optuna
from rich.console import Console

from entreg.runs import Run
from entreg.sweep.places import Place
from entreg.sweep.progress import Display
from entreg.sweep.starters import Interpreters
from entreg.sweep.training import Training


def training(tmp_path: Path) -> Training:
    trial = optuna.create_study().ask()
    trial.suggest_categorical("model.loss", ["mix_ent"])
    process = Interpreters(("true",)).start([], Place(), tmp_path / "log")
    return Training(trial, Run(tmp_path), process, tmp_path / "log", "val/acc", ExitStack(), 0, values=[0.25, 0.5])


def shown(tmp_path: Path, terminal: bool) -> str:
    file = io.StringIO()
    with Display(Console(file=file, force_terminal=terminal, width=100, color_system=None)) as display:
        display.show([training(tmp_path)])
        display.say("trial 1: [a] " + "word " * 40)
        display.show([])
    display.say("over")
    return file.getvalue()


def test_a_file_gets_the_lines_alone(tmp_path: Path) -> None:
    assert shown(tmp_path, terminal=False) == "trial 1: [a] " + "word " * 40 + "\nover\n"


def test_a_terminal_shows_the_trials_at_hand_below_the_lines(tmp_path: Path) -> None:
    text = shown(tmp_path, terminal=True)
    row = next(line for line in text.splitlines() if "loss=mix_ent" in line)
    assert row.split() == ["0", "loss=mix_ent", "0.0", "2", "0.5"]
    assert "trial 1: [a] word" in text
    assert text.endswith("over\n")
