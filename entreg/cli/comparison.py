"""What ``entreg compare``, and a sweep at its end, make of finished runs: what is printed, and the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from entreg.compare import Analysis, Convergence, Study, convergence_of, read_studies
from entreg.compare.looks import look_at
from entreg.compare.plan import NAME as PLAN
from entreg.compare.plan import Written, read_plan
from entreg.compare.report import pictures_of, print_tables, report_overall, verdict_sentences, write_report
from entreg.console import print_line
from entreg.errors import ConfigError, UserError
from entreg.runs import Run


def compare_runs(
    runs: Sequence[str | Path],
    *,
    plan: Path | None = None,
    baseline: str | None = None,
    metrics: Sequence[str] | None = None,
    margins: Mapping[str, float] | None = None,
    all_pairs: bool = False,
    accuracies: Sequence[float] = (),
    power: Sequence[float] | None = None,
    out: Path | None = None,
    root: str | None = None,
    trust: bool = False,
) -> None:
    """Compare runs, print tables and verdicts, and write the report.

    Runs of several test sets are compared apart, each set in a section of what is printed and a folder of the report,
    and then over all sets together.

    Args:
        runs: run folders.
        plan: file of the analysis plan; default: ``plan.yaml`` beside the runs, where nothing of what follows is said.
        baseline: see :func:`entreg.compare.analyse`, as ``metrics`` and ``margins``.
        metrics: what the verdict is about; default: accuracy.
        margins: differences that do not matter.
        all_pairs: whether the other arms are compared with each other, too.
        accuracies: see :func:`entreg.compare.convergence_of`.
        power: differences of which the number of seeds is printed that it takes to see them.
        out: folder of the report; ``None``: none is written.
        root: folder of the data, for the pictures in the report.
        trust: see :func:`entreg.compare.report.pictures_of`.

    Raises:
        ConfigError: if a metric is unknown, or ``out`` is no folder or that of a run.
        RunError: if there is nothing to compare, or the runs of no test set can be compared.
    """
    if out is not None and out.exists() and not out.is_dir():
        raise ConfigError(f"--out {out}: is no folder, and the report is one; name a folder")
    if out is not None and Run(out).config.is_file():
        raise ConfigError(f"--out {out}: is the folder of a run, whose files would mix with the report's; name another")
    said = bool(baseline or metrics or margins or all_pairs)
    if plan is not None and said:
        raise ConfigError(
            f"--plan {plan}: says what is compared; leave out --baseline, --metric, --margin and --all-pairs"
        )
    studies = read_studies(run for run in runs if Path(run).name != PLAN)
    analyses, refused = _analyses(
        studies,
        lambda study: look_at(
            study, _plan_of(study, plan, not said), baseline, metrics or ("acc",), margins, all_pairs
        ),
    )
    told: set[str] = set()
    pages: dict[str, Path] = {}
    compared = {name: found for name, found in analyses.items() if len(studies) == 1 or len(found.study.arms) > 1}
    for name, study in studies.items():
        if len(studies) > 1:
            print_line("")
            print_line(f"test set {name}, {_place(study)}: {_size(study, refused.get(name))}")
        converged = convergence_of(study, accuracies)
        if name in compared:
            print_tables(analyses[name], converged, power)
            for line in verdict_sentences(analyses[name]):
                print_line(line)
        for note in study.notes:  # what is left out stands in those of every study
            if note not in told:
                print_line(note)
        told.update(study.notes)
        if name in compared and out is not None:
            folder = out if len(studies) == 1 else out / name
            pages[name] = _write(folder, analyses[name], converged, root, trust)
            print_line(f"report: {pages[name]}")
    if len(compared) > 1:
        report_overall(compared, pages, out)


def _plan_of(study: Study, path: Path | None, look_for_one: bool) -> Written | None:
    """Read the plan that is named, or the one that lies beside the runs."""
    beside = {result.run.path.parent / PLAN for result in study.results}
    if path is None and look_for_one and len(beside) == 1 and (found := beside.pop()).is_file():
        path = found
    return None if path is None else read_plan(path)


def _analyses(
    studies: Mapping[str, Study], analyse: Callable[[Study], Analysis]
) -> tuple[dict[str, Analysis], dict[str, UserError]]:
    """Analyse the study of each test set, and return why others cannot be: they may have no run of the baseline.

    Raises:
        UserError: why, if none can.
    """
    found: dict[str, Analysis] = {}
    refused: dict[str, UserError] = {}
    for name, study in studies.items():
        try:
            found[name] = analyse(study)
        except UserError as error:
            refused[name] = error
    if not found:
        raise next(iter(refused.values()))
    return found, refused


def _place(study: Study) -> str:
    root = study.results[0].data.get("init_args", {}).get("root")
    return f"{study.samples} samples{f' of {root}' if root else ''}"


def _size(study: Study, refused: UserError | None) -> str:
    """Say how much there is to compare, or why nothing is."""
    runs = f"{len(study.results)} run{'' if len(study.results) == 1 else 's'}"
    if len(study.arms) > 1:
        return f"{runs} in {len(study.arms)} arms{f', not compared: {refused}' if refused else ''}"
    return f"{runs} of one arm, {next(iter(study.arms))}, and nothing to compare it with"


def _write(
    out: Path, analysis: Analysis, converged: Mapping[str, Sequence[Convergence]], root: str | None, trust: bool
) -> Path:
    """Write the report, with images where they may be shown; return its page."""
    pictures = None
    try:
        if analysis.study.has_predictions:
            pictures = pictures_of(analysis.study, root, trust)
    except ConfigError as error:
        print_line(f"no images in the report: {error}")
    return write_report(out, analysis, converged, pictures)
