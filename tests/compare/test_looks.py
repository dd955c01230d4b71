"""Looks at a study: counted, and with a plan paid for."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

import pytest

from entreg.__main__ import main
from entreg.compare import Study, analyse, read_study
from entreg.compare.looks import NAME, look_at, read_looks
from entreg.compare.plan import Plan, Written
from entreg.compare.report import verdicts_sheet
from entreg.compare.stats.spending import obrien_fleming
from entreg.errors import RunError
from entreg.runs import Run, read_summary, write_summary
from tests.compare.run_folders import write_study

EARLY, LATE = (datetime(year, 1, 1, tzinfo=timezone.utc) for year in (2020, 2040))


def of_seeds(folders: list[Path], seeds: int) -> Study:
    return read_study([folder for folder in folders if int(folder.name.rpartition("-")[2]) < seeds])


def test_without_a_plan_earlier_looks_are_told(tmp_path: Path) -> None:
    folders = write_study(tmp_path, 4)
    assert look_at(of_seeds(folders, 2)).standing == "exploratory: no analysis plan was written down before the runs"
    assert look_at(of_seeds(folders, 2)).standing.endswith("before the runs")  # the same look again
    look_at(of_seeds(folders, 3))
    said = look_at(of_seeds(folders, 4)).standing
    assert "; these arms, or some of them, have been looked at 2 times before, with 6 and 9 runs, and who " in said
    assert "looked at" not in look_at(of_seeds(folders, 4), metrics=["nll"]).standing


def test_with_a_plan_each_look_has_its_share_of_the_level(tmp_path: Path) -> None:
    folders = write_study(tmp_path, 4)
    written = Written(Plan({"acc": None, "nll": 0.01}, "mix_ent", seeds=4), tmp_path / "plan.yaml", EARLY)
    found = [look_at(of_seeds(folders, seeds), written) for seeds in (2, 3, 4, 3)]  # the last one was made before
    levels = [analysis.comparisons["nll"]["min_ent"].alpha for analysis in found]
    spent = [obrien_fleming(0.05, seeds / 4) for seeds in (2, 3, 4)]
    assert levels == pytest.approx([spent[0], spent[1] - spent[0], spent[2] - spent[1], spent[1] - spent[0]])
    assert sum(levels[:3]) == pytest.approx(0.05)
    assert found[0].standing == f"as planned in {tmp_path / 'plan.yaml'}, with 6 of 12 runs: verdicts at level 0.0056"
    assert (found[0].primary, found[0].baseline) == (("acc", "nll"), "mix_ent")
    assert found[0].comparisons["nll"]["min_ent"].margin == 0.01


def test_seeds_that_one_arm_alone_has_more_are_a_new_look(tmp_path: Path) -> None:
    folders = write_study(tmp_path, 4, cross_entropy=2.0, min_ent=2.05)
    written = Written(Plan(seeds=4), tmp_path / "plan.yaml", EARLY)
    few = [folder for folder in folders if folder.name not in ("min_ent-2", "min_ent-3", "cross_entropy-3")]
    more = [*few, tmp_path / "cross_entropy-3"]  # the arm with the fewest seeds has as few as before
    levels = [look_at(read_study(found), written).comparisons["acc"]["min_ent"].alpha for found in (few, more, folders)]
    spent = [obrien_fleming(0.05, runs / 8) for runs in (5, 6, 8)]
    assert levels == pytest.approx([spent[0], spent[1] - spent[0], spent[2] - spent[1]])
    assert [sorted(map(len, look.seeds)) for look in read_looks(tmp_path / NAME)] == [[2, 3], [2, 4], [4, 4]]


def test_other_seeds_are_a_look_of_their_own_and_not_paid_for(tmp_path: Path) -> None:
    folders = write_study(tmp_path, 4)
    written = Written(Plan(seeds=4), tmp_path / "plan.yaml", EARLY)
    first, last = (read_study([folder for folder in folders if folder.name[-1] in seeds]) for seeds in ("01", "23"))
    assert look_at(first, written).standing.startswith("as planned")
    said = look_at(last, written).standing
    assert said.startswith("exploratory: earlier looks have used up the level")
    assert said.endswith(
        "once before, with 6 runs, and who adds or changes seeds or arms until something is found finds too much"
    )


def test_arms_that_come_later_are_a_new_look(tmp_path: Path) -> None:
    folders = write_study(tmp_path, 4)
    two, others = (
        read_study([folder for folder in folders if not folder.name.startswith(name)])
        for name in ("mix_ent", "min_ent")
    )
    silent = Written(Plan(seeds=4), tmp_path / "a" / "plan.yaml", EARLY)
    said = [look_at(study, silent).standing for study in (two, others, read_study(folders))]
    assert said[0].startswith("as planned")
    used_up = "exploratory: earlier looks have used up the level of "
    assert all(each.startswith(used_up) and "how many arms there would be" in each for each in said[1:])
    telling = Written(Plan(seeds=4, arms=3), tmp_path / "b" / "plan.yaml", EARLY)
    said = [look_at(study, telling).standing.rpartition(", with ")[2] for study in (two, read_study(folders))]
    spent = [obrien_fleming(0.05, runs / 12) for runs in (8, 12)]
    levels = (spent[0], spent[1] - spent[0])
    assert said == [
        f"{runs} of 12 runs: verdicts at level {level:.2g}" for runs, level in zip((8, 12), levels, strict=True)
    ]


def test_what_rounding_leaves_of_a_level_is_nothing(tmp_path: Path) -> None:
    folders = write_study(tmp_path, 4)
    assert look_at(of_seeds(folders, 3)).standing.startswith("exploratory")
    written = Written(Plan(seeds=4), tmp_path / "plan.yaml", EARLY)
    assert look_at(of_seeds(folders, 4), written).standing.startswith("exploratory: earlier looks have used up")


def test_a_look_that_is_repeated_says_what_it_said(tmp_path: Path) -> None:
    folders = write_study(tmp_path, 4)
    two = read_study([folder for folder in folders if not folder.name.startswith("mix_ent")])
    written = Written(Plan(seeds=4, arms=3), tmp_path / "plan.yaml", EARLY)
    first = look_at(two, written).standing
    look_at(read_study(folders), written)
    assert look_at(two, written).standing == first


def test_an_exploratory_look_of_an_older_version_does_not_set_the_level(tmp_path: Path) -> None:
    study = of_seeds(write_study(tmp_path, 4), 2)
    look_at(study)
    noted = json.loads((tmp_path / NAME).read_text())
    del noted["looks"][0]["planned"]
    (tmp_path / NAME).write_text(json.dumps(noted))
    said = look_at(study, Written(Plan(seeds=4), tmp_path / "plan.yaml", EARLY)).standing
    assert said.endswith("6 of 12 runs: verdicts at level 0.0056")


def test_a_look_without_the_plan_does_not_set_its_level(tmp_path: Path) -> None:
    study = of_seeds(write_study(tmp_path, 4), 4)
    (tmp_path / "plan.yaml").touch()
    strict = Written(Plan(seeds=4, alpha=0.01), tmp_path / "plan.yaml", EARLY)
    assert look_at(study).standing == f"exploratory: {tmp_path / 'plan.yaml'} was not used"
    for _ in range(2):
        assert look_at(study, strict).standing.endswith("verdicts at level 0.01")
    assert [(look.planned, look.alpha) for look in read_looks(tmp_path / NAME)] == [(True, pytest.approx(0.01))]


def test_a_plan_that_is_used_up_or_younger_than_the_runs_decides_nothing(tmp_path: Path) -> None:
    folders = write_study(tmp_path, 4)
    small = Written(Plan(seeds=2), tmp_path / "plan.yaml", EARLY)
    look_at(of_seeds(folders, 2), small)
    assert look_at(of_seeds(folders, 4), small).standing.startswith("exploratory: earlier looks have used up the level")
    for folder in folders:
        summary = read_summary(Run(folder)) | {"history": [{"step": 0, "time": "2026-01-01T00:00:00+00:00"}]}
        write_summary(Run(folder), summary)
    said = look_at(of_seeds(folders, 4), Written(Plan(), tmp_path / "plan.yaml", LATE)).standing
    assert "plan.yaml is of 2040-01-01 00:00 UTC, and the first run began before" in said
    assert look_at(of_seeds(folders, 4), Written(Plan(), tmp_path / "other" / "plan.yaml", EARLY)).standing.startswith(
        "as planned"
    )


def test_a_plan_without_a_number_of_seeds_pays_for_one_look(tmp_path: Path) -> None:
    folders = write_study(tmp_path, 3)
    open_end = Written(Plan(), tmp_path / "plan.yaml", EARLY)
    assert look_at(of_seeds(folders, 2), open_end).standing.startswith("as planned")
    assert "plan.yaml does not say how many seeds" in look_at(of_seeds(folders, 3), open_end).standing


def test_the_intervals_of_arms_do_not_depend_on_the_look(tmp_path: Path) -> None:
    study = read_study(write_study(tmp_path, 2))
    strict, usual = analyse(study, alpha=0.001), analyse(study)
    assert strict.estimates == usual.estimates
    assert verdicts_sheet(strict).title == "Against cross_entropy; 99.9 % intervals, adjusted for 2 comparisons"


def test_a_damaged_list_of_looks_is_refused(tmp_path: Path) -> None:
    look = '"arms": [], "tested": "", "primary": [], "alpha": 0.05, "time": ""'
    for content in (
        '{"looks": [{"seeds": 3}]}',
        f'{{"looks": [{{{look}, "seeds": 3}}]}}',
        f'{{"looks": [{{{look}, "seeds": [[0], "a"]}}]}}',
    ):
        (tmp_path / NAME).write_text(content)
        with pytest.raises(RunError, match="holds no looks"):
            read_looks(tmp_path / NAME)
    (tmp_path / NAME).write_text(f'{{"looks": [{{{look}, "seeds": [2, 1]}}]}}')  # as version 0.1 noted numbers
    assert read_looks(tmp_path / NAME)[0].seeds == [[0, 1], [0]]


def test_where_nothing_can_be_written_the_look_is_not_counted(tmp_path: Path) -> None:
    folders = write_study(tmp_path, 2)
    (tmp_path / NAME).mkdir()
    assert look_at(read_study(folders)).study.notes[-1].startswith("this look is not counted: ")


def test_the_command_takes_the_plan_beside_the_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = [str(folder) for folder in write_study(tmp_path, 3)]
    plan = tmp_path / "plan.yaml"
    plan.write_text("primary: {nll: 0.02}\nbaseline: min_ent\n")
    assert main(["compare", *folders, str(plan)]) == 0
    said = capsys.readouterr().out
    assert f"as planned in {plan}" in said
    assert "mix_ent is worse than min_ent: NLL" in said
    assert main(["compare", *folders, "--metric", "acc"]) == 0
    assert f"exploratory: {plan} was not used" in capsys.readouterr().out
    assert main(["compare", *folders, "--plan", str(plan), "--metric", "acc"]) == 2
    assert "leave out --baseline, --metric, --margin and --all-pairs" in capsys.readouterr().err
