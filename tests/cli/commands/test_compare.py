"""entreg compare on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from entreg.__main__ import main
from entreg.compare import Analysis
from tests.compare.run_folders import write_run, write_study


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two losses with three seeds each; to be read only."""
    return [str(folder) for folder in write_study(tmp_path_factory.mktemp("runs"), 3, cross_entropy=2.0, mix_ent=0.8)]


def test_it_prints_tables_and_verdicts(folders: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *folders, "--baseline", "cross_entropy", "--power", "1", "5"]) == 0
    printed = capsys.readouterr().out
    assert "mix_ent is worse than cross_entropy: accuracy " in printed
    assert "to find 5" in printed
    assert "report:" not in printed


def test_it_writes_the_report_where_it_is_told(folders: list[str], tmp_path: Path, capsys) -> None:
    out = tmp_path / "deep" / "report"
    assert main(["compare", *folders, "--metric", "nll@T", "acc", "--out", str(out)]) == 0
    assert f"report: {out / 'index.html'}" in capsys.readouterr().out
    assert "NLL at T" in (out / "verdicts.csv").read_text()


def test_arms_that_differ_in_more_than_the_loss_are_said_first(tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.setattr("entreg.compare.report.write.write_figures", lambda *_: {})  # which take seconds
    runs = [write_run(tmp_path, "cross_entropy"), write_run(tmp_path, "mix_ent", loss_lr=0.1)]
    assert main(["compare", *(str(run.path) for run in runs), "--out", str(tmp_path / "report")]) == 0
    said = "the arms differ in more than the loss, also in loss_lr: a difference need not be due to the loss"
    assert capsys.readouterr().out.startswith(f"{said}\n")
    assert (tmp_path / "report" / "report.md").read_text().startswith(f"- {said}\n")
    assert f'</nav><p class="verdict">{said}</p>' in (tmp_path / "report" / "index.html").read_text()


def test_runs_of_several_test_sets_are_compared_apart(
    folders: list[str], tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: dict[Path, int] = {}  # in place of the report, whose pictures take seconds

    def write(out: Path, analysis: Analysis, *_: object) -> Path:
        written[out] = analysis.study.samples
        return out / "index.html"

    monkeypatch.setattr("entreg.cli.comparison.write_report", write)
    losses = ("cross_entropy", "mix_ent")
    others = [str(write_run(tmp_path, loss, test_seed=7, images=390).path) for loss in losses]
    without = [str(write_run(tmp_path / "more", loss, test_seed=8).path) for loss in ("min_ent", "cross_entropy")]
    (tmp_path / "notes.txt").touch()
    out, stray = tmp_path / "report", [str(tmp_path / "notes.txt"), str(tmp_path / "data")]
    (tmp_path / "data").mkdir()
    assert main(["compare", *folders, *others, *without, *stray, "--baseline", "mix_ent", "--out", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    heads = [line.partition(" of ")[2].partition(": ")[2] for line in lines if line.startswith("test set strokes-")]
    said = [line.partition(":")[0] for line in lines if line.startswith("cross_entropy ")]
    assert heads[:2] == ["6 runs in 2 arms", "2 runs in 2 arms"]
    refused = "not compared: baseline 'mix_ent': no arm of that name, expected one of min_ent, cross_entropy"
    assert heads[2] == f"2 runs in 2 arms, {refused}"
    assert said == ["cross_entropy is better than mix_ent", "cross_entropy against mix_ent, accuracy"]
    assert lines.count(f"left out: {', '.join(stray)}: no run folders") == 1
    assert sorted(written.values()) == [390, 400]
    assert all(folder.parent == out and folder.name.startswith("strokes-") for folder in written)
    assert lines[-1] == f"report over all data sets: {out / 'index.html'}"
    page = (out / "index.html").read_text()
    assert all(f'<a href="{folder.name}/index.html">{folder.name}</a>' in page for folder in written)
    assert '<g class="arm-1"><title>cross_entropy</title>' in page
    assert {path.name for path in (out / "figures").iterdir()} == {"profile-acc.svg", "profile-acc.pdf"}


def test_a_test_set_of_one_arm_is_said_in_a_line(folders: list[str], tmp_path: Path, capsys) -> None:
    other = write_run(tmp_path, "min_ent", test_seed=7, data="Digits")
    assert main(["compare", *folders, str(other.path)]) == 0
    said = f"test set digits, 400 samples of {tmp_path}/data: 1 run of one arm, min_ent, and nothing to compare it with"
    assert said in capsys.readouterr().out.splitlines()


def test_a_report_is_no_file(folders: list[str], capsys) -> None:
    assert main(["compare", *folders, "--out", "/dev/null"]) == 2
    assert capsys.readouterr().err == "entreg: --out /dev/null: is no folder, and the report is one; name a folder\n"


def test_a_report_is_not_written_among_the_files_of_a_run(folders: list[str], capsys) -> None:
    assert main(["compare", *folders, "--out", folders[0]]) == 2
    assert capsys.readouterr().err.startswith(f"entreg: --out {folders[0]}: is the folder of a run")


def test_one_seed_is_a_stated_degradation(tmp_path: Path, capsys) -> None:
    assert main(["compare", *map(str, write_study(tmp_path, 1))]) == 0
    assert "one seed says nothing about other seeds" in capsys.readouterr().out


def test_what_was_left_out_is_said(folders: list[str], tmp_path: Path, capsys) -> None:
    (tmp_path / "half").mkdir()
    assert main(["compare", *folders, str(tmp_path / "half")]) == 0
    assert f"left out: {tmp_path / 'half'}: is not a run folder" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        ([], 2, "the following arguments are required: RUN"),
        (["nowhere"], 1, "no finished run to compare (left out: nowhere: is not there"),
        (["{runs}", "--metric", "f1"], 2, "metric f1: expected one that every run has: acc, nll"),
        (["{runs}", "--baseline", "focal"], 1, "baseline 'focal': no arm of that name"),
        (["{runs}", "--margin", "foo=1"], 2, "margin of foo: expected a metric of acc"),
        (["{runs}", "--margin", "acc=-1"], 2, "--margin acc=-1: expected METRIC=NUMBER with a number > 0"),
        (["{runs}", "--margin", "0.1"], 2, "--margin 0.1: expected METRIC=NUMBER"),
        (["{runs}", "--margin", "acc=1", "acc=2"], 2, "--margin: two of acc, 1 and 2; expected one"),
        (["{runs}", "--margin", "nll=1"], 2, "margin of nll: no verdict is about it, name it among the metrics too"),
        (["{runs}", "--power", "0"], 2, "--power 0: expected differences > 0"),
        (["{runs}", "--accuracy", "95"], 2, "--accuracy 95: expected a share in (0, 1)"),
    ],
)
def test_wrong_input_is_one_line(args, code: int, message: str, folders, capsys) -> None:
    words = [w for arg in args for w in {"{runs}": folders}.get(arg, [arg])]
    assert main(["compare", *words]) == code
    out, error = capsys.readouterr()
    assert out == ""
    assert message in error
    assert error.startswith("entreg: ")
    assert error.count("\n") == 1
