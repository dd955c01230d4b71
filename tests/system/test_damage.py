"""A finished run is damaged at random: every command gives the right result or says in one line what is wrong.

``pytest -m long tests/system/test_damage.py --damages 5000`` draws more than the 5 of ``.ci/run``.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import resource
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
import torch
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from entreg.__main__ import main
from entreg.data import Strokes
from entreg.runs import Run, read_summary
from entreg.runs.scoring import flatten
from tests.conftest import made_once, working_in
from tests.system.processes import SERVER

FIT = [
    *("--model.net", "LeNet", "--data", "Strokes", "--data.train_size", "400", "--data.test_size", "130"),
    *("--data.batch_size", "54", "--data.ood", "[noise]", "--trainer.max_epochs", "2"),
    *("--trainer.precision", "32-true", "--trainer.accelerator", "cpu", "--trainer.logger", "false"),
    *("--trainer.enable_progress_bar", "false", "--checkpoint.every_n_steps", "4", "--checkpoint.keep", "all"),
    *("--id", "damaged"),
]
RUN = "runs/min_ent-damaged"
COMMANDS = {
    "fit": ["fit", "--run", RUN, "--figures", "false"],
    "test": ["test", "--run", RUN, "--figures", "false"],
    "validate": ["validate", "--run", RUN, "--figures", "false"],
    "predict": ["predict", "--run", RUN, "--images", "images", "--out", "rows.csv"],
    "compare": ["compare", RUN, "other/cross_entropy-damaged"],
    "report": ["compare", RUN, "other/cross_entropy-damaged", "--out", "report"],
    "runs": ["runs", "runs"],
}
OFTEN = (*COMMANDS, "fit", "predict", "compare")  # the report takes longest, and reads what compare reads
OPTIONAL = ("metrics.csv", "predictions/val.npz", "predictions/ood-noise.npz")  # deleted, they are done without
SCORED = ("predictions", "predictions/test.npz")  # deleted, the summary is compared, which is said
SECONDS, MEBIBYTES = 10, 1024  # what a command may take beyond what it takes of the undamaged run


class Outcome(NamedTuple):
    """What a command did: exit code, what it printed, its result, how long it took and how much memory it held."""

    code: int
    printed: str
    errors: str
    result: Any
    seconds: float
    mebibytes: float


class Damage(NamedTuple):
    """What is done to one file (or folder) of the run."""

    kind: str
    place: float
    """Where, as a share of the file's length or of the number of other files."""

    def __call__(self, run: Path, name: str, outside: Path) -> None:
        path = run / name
        others = sorted(other for other in run.rglob("*") if other.is_file() and other != path)
        if self.kind == "delete":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        elif self.kind == "link":
            path.rename(outside / path.name)
            path.symlink_to(outside / path.name)
        elif path.is_dir():
            shutil.rmtree(path)
            path.touch()
        elif self.kind == "folder":
            path.unlink()
            path.mkdir()
        elif self.kind == "swap":
            shutil.copy(others[int(self.place * len(others))], path)
        else:
            path.write_bytes(self._changed(bytearray(path.read_bytes())))

    def _changed(self, content: bytearray) -> bytes:
        at = int(self.place * len(content))
        if self.kind == "truncate":
            return bytes(content[:at])
        if self.kind == "zero":
            content[at : at + 4096] = bytes(len(content[at : at + 4096]))
        elif content:
            content[at] ^= 1 << int(self.place * 8e6) % 8
        return bytes(content)


def run_measured(folder: Path, arguments: list[str]) -> None:
    """Run a command as in a process of its own, and leave what it did in ``outcome.json``."""
    os.chdir(folder)
    for descriptor, name in ((1, "stdout"), (2, "stderr")):
        file = Path(f"{name}.txt").open("w", buffering=1)  # noqa: SIM115 - open until the process ends
        os.dup2(file.fileno(), descriptor)
        setattr(sys, name, file)
    started = time.perf_counter()
    code = main(arguments)
    mebibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    Path("outcome.json").write_text(json.dumps([code, time.perf_counter() - started, mebibytes]))


def outcome_of(command: str, folder: Path) -> Outcome:
    """Run a command in a working directory; what it raises ends in an outcome without a code."""
    process = SERVER.Process(target=run_measured, args=(folder, COMMANDS[command]))
    process.start()
    process.join(120)
    process.kill()
    printed, errors = ((folder / f"{name}.txt").read_text(errors="replace") for name in ("stdout", "stderr"))
    assert (folder / "outcome.json").exists(), errors
    code, seconds, mebibytes = json.loads((folder / "outcome.json").read_text())
    result = result_of(command, folder, printed) if code == 0 else None
    return Outcome(code, printed, errors, result, seconds, mebibytes)


def result_of(command: str, folder: Path, printed: str) -> Any:
    if command == "predict":
        return list(csv.reader(io.StringIO((folder / "rows.csv").read_text())))
    if command in ("fit", "test", "validate"):
        summary = read_summary(Run(folder / RUN))
        split = "val" if command == "validate" else "test"
        return {key: summary.get(key) for key in (split, "temperature")}
    if command == "runs":  # how long ago is another time each time
        printed = re.sub(r" +(age|\d+ (s|min|h|d))$", "", printed, flags=re.MULTILINE)
    cells = (re.split(r"[│┃|]| {2,}", line) for line in printed.splitlines())
    return [tuple(cell.strip() for cell in row if cell.strip()) for row in cells]


def is_right(command: str, found: Outcome, whole: Outcome, without: Outcome) -> bool:
    """Whether what a command said of a damaged run is what it says of the whole one, or that it left the run out."""
    if command == "predict":
        return found.result == whole.result
    if command in ("fit", "test", "validate"):  # without val.npz there is no temperature
        told, known = flatten(found.result), flatten(whole.result)
        split = "val" if command == "validate" else "test"
        return f"{split}/acc" in told and told.items() <= known.items()
    said = ("left out: ", "report: ", "cannot be read: ")
    told = [row for row in found.result if not any(word in cell for cell in row for word in said)]
    if command == "runs":  # of a run without a summary nothing is listed but that it is unfinished
        told = [row for row in told if "unfinished" not in row or any("%" in cell for cell in row)]
    return set(told) <= {*whole.result, *(without.result or ())}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, strokes_root: Path) -> Path:
    """Two finished runs, pictures to classify, and what each command makes of them."""

    def make(folder: Path) -> None:
        with working_in(folder, strokes_root), redirect_stdout(io.StringIO()):
            for loss, runs in (("min_ent", "runs"), ("cross_entropy", "other")):
                assert main(["fit", *FIT, "--model.loss", loss, "--name", loss, "--runs", runs]) == 0
            data = Strokes(root=str(strokes_root), train_size=400, test_size=130)
            (folder / "images").mkdir()
            from PIL import Image

            for number, picture in enumerate(data.pictures(torch.arange(3))):
                Image.fromarray(picture).save(folder / "images" / f"{number}.png")

    return made_once(tmp_path_factory, "damage", make)


@pytest.fixture(scope="module")
def expected(place: Path, strokes_root: Path) -> Callable[[str], tuple[Outcome, Outcome]]:
    """What a command makes of the undamaged run, and where there is no such folder."""
    known: dict[str, tuple[Outcome, Outcome]] = {}

    def outcomes(command: str) -> tuple[Outcome, Outcome]:
        if command not in known:
            found = []
            for is_whole in (True, False):
                with TemporaryDirectory() as folder:
                    copied(place, Path(folder))
                    if not is_whole:
                        shutil.rmtree(Path(folder) / RUN)
                    found.append(outcome_of(command, Path(folder)))
            assert found[0].code == 0, found[0].errors
            known[command] = (found[0], found[1])
        return known[command]

    return outcomes


def copied(place: Path, folder: Path) -> None:
    for name in ("runs", "other", "images", "user_file.py"):
        (shutil.copytree if (place / name).is_dir() else shutil.copy)(place / name, folder / name)


def kind_of(path: Path) -> tuple[bool, bool]:
    return path.is_file(), path.is_dir()


def content_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.long
@pytest.mark.timeout(0)
def test_damage_is_noticed_or_does_not_matter(request, place, expected, strokes_root, monkeypatch) -> None:
    damages = request.config.getoption("--damages")
    monkeypatch.setenv("ENTREG_DATA", str(strokes_root))
    names = sorted(str(path.relative_to(place / RUN)) for path in (place / RUN).rglob("*"))
    kinds = ("truncate", "flip", "zero", "swap", "delete", "folder", "link")

    @seed(damages)  # the same every time, and others where more are drawn
    @settings(
        max_examples=damages,
        deadline=None,
        database=None,
        phases=[Phase.generate],  # a damage that does harm is small already
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.sampled_from(names),
        st.builds(Damage, st.sampled_from(kinds), st.floats(0, 1, exclude_max=True)),
        st.sampled_from(OFTEN),
    )
    def check(name: str, damage: Damage, command: str) -> None:
        whole, without = expected(command)
        with TemporaryDirectory() as made:
            folder, outside = Path(made) / "here", Path(made) / "outside"
            folder.mkdir()
            outside.mkdir()
            copied(place, folder)
            kind_before = kind_of(folder / RUN / name)
            damage(folder / RUN, name, outside)
            is_gone = (
                kind_of(folder / RUN / name) != kind_before
            )  # deleted, or a file where a folder was, or the reverse
            before = content_of(outside), content_of(folder / "other"), content_of(folder / "images")
            found = outcome_of(command, folder)
            after = content_of(outside), content_of(folder / "other"), content_of(folder / "images")
            entries = sorted(path.name for path in folder.iterdir())
        assert before == after
        assert "Traceback" not in found.printed + found.errors
        spared = is_gone and name in OPTIONAL  # what is said without them is known to other tests
        if is_gone and name in SCORED:
            spared = "hold no predictions" in found.printed
        if found.code == 0:
            assert (spared and command in ("compare", "report")) or is_right(command, found, whole, without), (
                found.printed
            )
        else:
            assert found.code in (1, 2)
            said = [line for line in found.errors.splitlines() if line.startswith("entreg: ")]
            assert len(said) == 1, found.errors
            assert "report" not in entries
            assert "rows.csv" not in entries
        assert found.seconds < whole.seconds + SECONDS
        assert found.mebibytes < whole.mebibytes + MEBIBYTES

    check()
