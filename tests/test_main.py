from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from entreg.__main__ import main
from entreg.version import __version__


def test_version_and_help_exit_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert __version__ in capsys.readouterr().out
    assert main(["--help"]) == 0
    assert "entreg fit --config configs/quickstart.yaml" in capsys.readouterr().out


def test_no_command_prints_the_usage_and_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert capsys.readouterr().out.startswith("usage: entreg")


def test_unknown_command_is_one_line_and_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train"]) == 2
    assert capsys.readouterr().err == (
        "entreg: unknown command 'train', expected one of fit, validate, test, predict, export, sweep, runs, losses, "
        "data, compare, dashboard\n"
    )


@pytest.mark.parametrize("command", ["fit", "test"])
def test_a_bare_command_says_in_one_line_what_to_type(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert f"entreg {command} --" in error


@pytest.mark.parametrize(
    ("command", "place", "code", "said"),
    [
        ("--help", "> /dev/full", 1, "entreg: the output cannot be written (No space left on device)\n"),
        ("--help", "| head -1", 0, ""),
        ("--version", ">&-", 0, ""),
        ("losses mix_ent", "> /dev/null", 0, ""),
    ],
)
def test_an_output_that_takes_nothing_more_or_no_unicode_is_no_traceback(
    command: str, place: str, code: int, said: str
) -> None:
    words = ["bash", "-c", f"PYTHONIOENCODING=ascii {sys.executable} -m entreg {command} {place}"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (code, said)


def test_a_config_in_a_circle_of_links_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert main(["fit", "--run", str(tmp_path / "loop")]) == 1
    assert main(["fit", "--config", str(tmp_path / "loop")]) == 2
    assert capsys.readouterr().err.count("\n") == 2


def test_help_imports_neither_torch_nor_lightning() -> None:
    program = (
        "import sys; from entreg.__main__ import main; main(['--help']); print(sorted(sys.modules), file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"'torch'", "'lightning'", "'wandb'"} & set(result.stderr.strip("[]\n").split(", "))


@pytest.mark.parametrize("option", ["--print_config", "--model.loss.help"])
def test_lightning_cli_help_options_work(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    value = [] if option == "--print_config" else ["MixEntLoss"]
    with pytest.raises(SystemExit) as stopped:
        main(["fit", "--data", "Strokes", "--model.loss", "mix_ent", option, *value])
    assert stopped.value.code == 0
    assert ("seed_everything: 0" if not value else "rce_weight") in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["compare", "a\0b"], r"a\x00b: holds a NUL character"),
        (["runs", "n" * 300], "is too long for the name of a file"),
        (["data", "list", "--root", "n" * 300], "is too long for the name of a file"),
        (["sweep", "--config", "sweep.yaml"], "a name in a config: holds a NUL character"),
    ],
)
def test_names_that_no_file_can_have_are_one_line(
    words: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sweep.yaml").write_text('name: "a\\0b"\nparameters: {seed_everything: [0]}\n')
    assert main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("entreg: ")
    assert said in line


def test_a_working_directory_that_was_deleted_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert main(["losses"]) == 1
    assert capsys.readouterr().err == ("entreg: the working directory has been deleted: change to one that is there\n")
