from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import wandb

from entreg.__main__ import main
from tests.system.wandb_server import ENTITY, PROJECT, WandbServer

CALL = ["dashboard", "--project", PROJECT]


@pytest.fixture
def server(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WandbServer]:
    server = WandbServer()
    monkeypatch.setenv("WANDB_BASE_URL", server.url)
    monkeypatch.setenv("WANDB_API_KEY", "k" * 40)
    yield server
    wandb.teardown()  # W&B reads the environment once a process
    server.close()


def panels_of(view: dict[str, Any]) -> list[dict[str, Any]]:
    """All panels of a workspace or a report: whatever has a type of view and a config."""

    def walk(node: Any) -> Iterator[dict[str, Any]]:
        if isinstance(node, dict):
            if "viewType" in node and "config" in node:
                yield node
            else:
                yield from (panel for value in node.values() for panel in walk(value))
        elif isinstance(node, list):
            yield from (panel for value in node for panel in walk(value))

    return list(walk(view["spec"]))


def shown(view: dict[str, Any]) -> set[str]:
    """Keys, regular expressions and media that the panels of a view show."""
    found: set[str] = set()
    for panel in panels_of(view):
        config = panel["config"]
        found |= {*config.get("metrics", ()), *config.get("mediaKeys", ())}
        found |= {config["metricRegex"]} if config.get("useMetricRegex") else set()
        if panel["viewType"] == "Weave":
            found |= set(re.findall(r"test/\w+", json.dumps(config)))
    return found


EXPECTED = {
    *("val/acc", "test/acc", "test/errors", "test/nll"),
    *("val/ece", "test/ece", "test/scaled/ece", "test/reliability_diagram"),
    *("test/confusion", "test/worst_errors"),
    *("^loss/coefficient/.+", "^loss/base/.+", "^loss/weight/.+"),
    *("ood/noise/msp/auroc", "ood/noise/energy/auroc", "ood/noise/msp/fpr95"),
    *("system/gpu.0.gpu", "images_per_second"),
}


def test_workspace_and_report_show_the_same_panels(server: WandbServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(CALL) == 0
    (workspace,), (report,) = server.of_type("project-view"), server.of_type("runs")
    assert shown(workspace) >= EXPECTED
    assert shown(report) == shown(workspace)
    slug = workspace["name"].removeprefix("nw-").removesuffix("-v")
    out = capsys.readouterr().out
    assert f"workspace: {server.url}/{ENTITY}/{PROJECT}?nw={slug}\n" in out
    assert f"report: {server.url}/{ENTITY}/{PROJECT}/reports/" in out
    assert f"?nw={slug}" in report["description"]


def test_runs_are_grouped_by_group_and_arm(server: WandbServer) -> None:
    assert main(CALL) == 0
    (workspace,), (report,) = server.of_type("project-view"), server.of_type("runs")
    expected = [{"section": "run", "name": "group"}, {"section": "config", "name": "arm.value"}]
    assert workspace["spec"]["section"]["runSets"][0]["grouping"] == expected
    grids = [block for block in report["spec"]["blocks"] if block["type"] == "panel-grid"]
    assert len(grids) == 7
    for grid in grids:
        assert grid["metadata"]["runSets"][0]["grouping"] == expected
    pinned = workspace["spec"]["section"]["runSets"][0]["runFeed"]["columnPinned"]
    assert pinned["summary:test/errors"]
    assert pinned["config:arm.value"]


def test_curves_are_over_optimizer_steps(server: WandbServer) -> None:
    assert main(CALL) == 0
    for view in server.views.values():
        axes = {p["config"]["chartTitle"]: p["config"]["xAxis"] for p in panels_of(view) if "xAxis" in p["config"]}
        assert axes["val/acc"] == axes["loss/coefficient/*"] == "trainer/global_step"


def test_sets_that_runs_were_evaluated_on_have_panels(server: WandbServer) -> None:
    server.summaries = [
        {"ood/digits/msp/auroc": 0.9, "ood/digits-distinct/msp/auroc": 0.9, "test/acc": 0.9},
        {"ood/noise/msp/auroc": 0.9, "shift/strokes/acc": 0.5},
    ]
    assert main(CALL) == 0
    for view in server.views.values():
        keys = {f"ood/{name}/msp/auroc" for name in ("digits", "digits-distinct", "noise")}
        assert shown(view) >= {*keys, "shift/strokes/acc", "shift/strokes/ece"}


def test_panels_of_a_report_do_not_overlap(server: WandbServer) -> None:
    assert main(CALL) == 0
    (report,) = server.of_type("runs")
    for grid in (block for block in report["spec"]["blocks"] if block["type"] == "panel-grid"):
        taken = [
            (x, y)
            for panel in grid["metadata"]["panelBankSectionConfig"]["panels"]
            for x in range(panel["layout"]["x"], panel["layout"]["x"] + panel["layout"]["w"])
            for y in range(panel["layout"]["y"], panel["layout"]["y"] + panel["layout"]["h"])
        ]
        assert len(taken) == len(set(taken))
        assert max(x for x, _ in taken) < 24


def test_a_second_call_renews_the_same_two_views(server: WandbServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(CALL) == 0
    first, addresses = [*server.views], capsys.readouterr().out
    (workspace,), (report,) = server.of_type("project-view"), server.of_type("runs")
    name = workspace["name"]
    workspace["displayName"] = "renamed"
    report["displayName"] = "renamed in W&B"
    workspace["spec"]["section"]["customRunColors"] = {"run-1": "#ff0000"}
    server.summaries = [{"ood/digits/msp/auroc": 0.9}]
    assert main(CALL) == 0
    assert [*server.views] == first
    (workspace,), (report,) = server.of_type("project-view"), server.of_type("runs")
    assert [saved.get("id") for saved in server.saved[3:]] == [workspace["id"], report["id"]]
    assert (workspace["name"], workspace["displayName"]) == (name, "renamed")
    assert report["displayName"] == "renamed in W&B"
    assert workspace["spec"]["section"]["customRunColors"] == {"run-1": "#ff0000"}
    assert "ood/digits/msp/auroc" in shown(workspace) & shown(report)
    assert len(panels_of(report)) == len(panels_of(workspace)) < 40
    assert capsys.readouterr().out.splitlines()[0] == addresses.splitlines()[0]


def test_a_workspace_that_was_deleted_is_made_anew(server: WandbServer) -> None:
    assert main(CALL) == 0
    (workspace,), (report,) = server.of_type("project-view"), server.of_type("runs")
    del server.views[workspace["id"]]
    assert main(CALL) == 0
    (anew,), (same,) = server.of_type("project-view"), server.of_type("runs")
    assert anew["name"] != workspace["name"]
    assert same["id"] == report["id"]
    assert anew["name"].removeprefix("nw-").removesuffix("-v") in same["description"]


def test_reports_of_other_people_are_left_alone(server: WandbServer) -> None:
    other = {"id": "Vmlldzo5OQ==", "name": "x", "displayName": "entreg: losses compared", "type": "runs"}
    server.views[other["id"]] = {**other, "description": None, "spec": {}}
    assert main(CALL) == 0
    assert server.views[other["id"]]["spec"] == {}
    assert len(server.of_type("runs")) == 2


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    error = capsys.readouterr().err
    assert error.startswith("entreg: ")
    assert error.count("\n") == 1
    return error


def test_a_project_that_is_not_there_is_one_line(server: WandbServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dashboard", "--project", "leters"]) == 1
    assert "W&B: Could not find project leters" in one_line(capsys)
    assert not server.views


@pytest.mark.parametrize("refused", ["project-view", "runs"])
def test_what_the_server_refuses_is_one_line_and_goes_on_later(
    refused: str, server: WandbServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.denies = refused
    assert main(CALL) == 1
    assert "permission denied" in one_line(capsys)
    assert not server.of_type("project-view")
    server.denies = None
    assert main(CALL) == 0
    assert [len(server.of_type(kind)) for kind in ("project-view", "runs")] == [1, 1]


def test_another_entity_is_taken_by_its_word(server: WandbServer) -> None:
    assert main([*CALL, "--entity", "lab"]) == 0
    assert {saved["entityName"] for saved in server.saved} == {"lab"}


def test_without_a_login_nothing_is_asked(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    started = time.monotonic()
    assert main(CALL) == 1
    assert "W&B: not logged in; this needs a login (wandb login, or WANDB_API_KEY)" in one_line(capsys)
    assert time.monotonic() - started < 10
    wandb.teardown()


def test_a_key_that_is_none_is_one_line(
    server: WandbServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "short")
    assert main(CALL) == 1
    assert "API key must have 40+ characters" in one_line(capsys)


def test_no_network_is_one_line_within_seconds(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("WANDB_API_KEY", "k" * 40)
    started = time.monotonic()
    assert main(CALL) == 1
    assert "127.0.0.1 cannot be reached" in one_line(capsys)
    assert time.monotonic() - started < 10
    wandb.teardown()


def test_a_missing_package_is_one_line_that_installs_it(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "wandb_workspaces", None)
    assert main(CALL) == 1
    assert "pip install 'entreg[dashboard]'" in one_line(capsys)


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dashboard"]) == 2
    assert "--project" in one_line(capsys)
