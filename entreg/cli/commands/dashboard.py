"""``entreg dashboard``: a saved workspace and a report in W&B that compare the runs of a project."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from entreg.cli.parser import CommandParser
from entreg.console import print_line
from entreg.errors import RunError
from entreg.loggers.wandb_server import wandb_offline_reason

_TITLE = "entreg: losses compared"
_ABOUT = "Written by entreg dashboard, which replaces the panels when it is called again. Workspace: "
_WORKSPACE = re.compile(re.escape(_ABOUT.strip()) + r"(?:\s*(\S+\?nw=\w+))?")
_RUNS_LOOKED_AT = 20
_PINNED = [
    *(f"summary:{key}" for key in ("val/acc", "test/acc", "test/errors", "test/nll", "test/ece", "test/scaled/ece")),
    "summary:temperature",
    "config:seed_everything.value",
    "config:arm.value",
]


def main(args: Sequence[str]) -> None:
    """Run ``entreg dashboard ...``.

    The first call makes a workspace and a report, later ones give both new panels: W&B finds the report, whose
    description names the workspace. What is kept of a workspace are its name, filters, grouping and colours.

    Raises:
        ConfigError: on wrong usage.
        RunError: if ``wandb-workspaces`` is not installed, if there is no login or no connection, or if W&B refuses.
    """
    parser = CommandParser(
        prog="entreg dashboard",
        description="Make a saved workspace and a report in W&B that compare the runs of a project, or renew them.",
    )
    parser.add_argument("--project", required=True, help="project in W&B that the runs are in")
    parser.add_argument("--entity", help="user or team it belongs to (default: that of the login)")
    given = parser.parse_args(list(args))
    try:
        import wandb_workspaces  # noqa: F401 - optional
    except ModuleNotFoundError as error:
        raise RunError("entreg dashboard needs wandb-workspaces: pip install 'entreg[dashboard]'") from error
    import wandb

    settings = wandb.setup(settings=wandb.Settings(silent=True)).settings
    if reason := wandb_offline_reason(settings.base_url):
        raise RunError(
            f"W&B: {reason}; this needs a login (wandb login, or WANDB_API_KEY) and a connection to {settings.base_url}"
        )
    with _readable_errors():
        api = wandb.Api()
        entity = given.entity or api.default_entity
        if entity is None:
            raise RunError("W&B: this login has no default entity; name one with --entity")
        _write(api, entity, given.project)


def _write(api: Any, entity: str, project: str) -> None:
    """Save workspace and report."""
    from entreg.loggers.wandb_panels import sections

    runs = api.runs(f"{entity}/{project}", order="-created_at", per_page=_RUNS_LOOKED_AT, lazy=False)
    keys = {key for run in islice(runs, _RUNS_LOOKED_AT) for key in run.summary.keys()}  # noqa: SIM118 - not a dict
    report, workspace_url = _found(api, entity, project)
    workspace = _workspace(entity, project, workspace_url)
    workspace.sections = _workspace_sections(sections(keys))
    workspace.save()
    print_line(f"workspace: {workspace.url}")
    report.description = f"{_ABOUT}{workspace.url}"
    report.blocks = _blocks(sections(keys), entity, project, workspace.url)
    report.save()
    print_line(f"report: {report.url}")


def _found(api: Any, entity: str, project: str) -> tuple[Any, str | None]:
    """Return the project's report, a new one if there is none yet, and the address of its workspace."""
    import wandb_workspaces.reports.v2 as wr

    report = wr.Report(entity=entity, project=project, title=_TITLE, width="fluid")
    for known in api.reports(f"{entity}/{project}"):
        if match := _WORKSPACE.search(known.description or ""):
            report.id = known.id
            return wr.Report.from_url(report.url), match[1]
    report.description = _ABOUT  # saved first: later calls find the workspace through it
    report.save()
    return report, None


def _workspace(entity: str, project: str, url: str | None) -> Any:
    import wandb_workspaces.workspaces as ws

    if url is not None:
        try:
            return ws.Workspace.from_url(url)
        except ValueError as error:
            if "not found" not in str(error):  # it has been deleted in W&B
                raise
    grouped = ws.RunsetSettings(groupby=[ws.Metric("Group"), ws.Config("arm")], pinned_columns=list(_PINNED))
    settings = ws.WorkspaceSettings(x_axis="trainer/global_step", max_runs=100)
    return ws.Workspace(entity=entity, project=project, name=_TITLE, settings=settings, runset_settings=grouped)


def _workspace_sections(panels: dict[str, list[Any]]) -> list[Any]:
    import wandb_workspaces.workspaces as ws

    return [ws.Section(name=title, panels=content, is_open=True) for title, content in panels.items()]


def _blocks(panels: dict[str, list[Any]], entity: str, project: str, workspace_url: str) -> list[Any]:
    import wandb_workspaces.reports.v2 as wr

    blocks: list[Any] = [
        wr.P(["Mean over the seeds of each arm, with their range. Interactive: ", wr.Link("workspace", workspace_url)]),
        wr.TableOfContents(),
    ]
    for title, content in panels.items():
        runs = wr.Runset(entity=entity, project=project, name="runs by arm", groupby=["group", "config.arm"])
        blocks += [wr.H2(title), wr.PanelGrid(runsets=[runs], panels=content)]
    return blocks


@contextmanager
def _readable_errors() -> Iterator[None]:
    """Turn what W&B raises, not all of which is a ``wandb.Error``, into the one line of a user's mistake."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, ValueError) and not type(error).__module__.startswith("wandb"):
            raise
        raise RunError(f"W&B: {error}") from error
