"""The report's folder, and its page in a real browser."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from entreg.compare import Analysis, analyse, convergence_of, read_study
from entreg.compare.report import Pictures, verdict_sentences, verdicts_sheet, write_report
from entreg.text import for_markdown
from tests.compare.report.browser import CHROMIUM, browser
from tests.compare.run_folders import CLASSES, write_study


@pytest.fixture(scope="module")
def report(analysis: Analysis, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pictures = Pictures(lambda ids: [np.full((28, 28), i % 256, np.uint8) for i in ids.tolist()], CLASSES)
    out = tmp_path_factory.mktemp("report")
    return write_report(out, analysis, convergence_of(analysis.study), pictures)


def test_every_format_is_there_and_says_the_same(analysis: Analysis, report: Path) -> None:
    names = {path.name for path in report.parent.iterdir()}
    tables = {f"{name}.csv" for name in ("arms", "verdicts", "secondary", "refinement", "ood")} | {
        f"{name}.csv" for name in ("convergence", "differences", "runs", "comparisons")
    }
    assert names == {"index.html", "report.md", "report.tex", "table.tex", "report.json", "figures", *tables}
    figures = {path.name for path in (report.parent / "figures").iterdir()}
    drawn = (
        "forest-primary forest-all learning-curves coefficients reliability confidence accuracy-calibration ood-curves"
    )
    for path in (report.parent / "figures").glob("*.svg"):
        assert ElementTree.parse(path).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    assert figures == {f"{name}.{kind}" for name in [*drawn.split(), "disagreements"] for kind in ("svg", "pdf")}
    (said,) = (sentence for sentence in verdict_sentences(analysis) if sentence.startswith("mix_ent is worse than"))
    assert for_markdown(said) in (report.parent / "report.md").read_text()
    with (report.parent / "verdicts.csv").open() as file:
        assert list(csv.reader(file))[2][-1] == "worse"
    content = json.loads((report.parent / "report.json").read_text())
    assert content["comparisons"]["acc"]["mix_ent"]["outcome"] == "worse"
    assert content["comparisons"]["acc"]["mix_ent"]["interval"] == list(analysis.comparisons["acc"]["mix_ent"].interval)
    assert content["comparisons"]["acc"]["mix_ent"]["paired"]["n"] == 4
    assert content["arms"]["mix_ent"]["seeds"] == [0, 1, 2, 3]
    assert content["arms"]["mix_ent"]["arm"] == analysis.study.arms["mix_ent"][0].arm


def test_the_page_is_one_small_file_that_asks_for_nothing_else(report: Path) -> None:
    html = report.read_text()
    assert len(html) < 2e6
    for reference in ('src="http', 'href="http', "url(http", "@import"):
        assert reference not in html
    headings = ("Verdict in numbers", "Reliability", "Test samples that the arms classify differently", "Glossary")
    assert all(f">{heading}</h2>" in html for heading in headings)


def test_no_file_says_where_on_the_machine_it_was_made(analysis: Analysis, report: Path) -> None:
    root = str(report.parent.parent).encode()
    assert not [path for path in report.parent.rglob("*") if path.is_file() and root in path.read_bytes()]
    first = analysis.study.arms["mix_ent"][0].run.path
    named = json.loads((report.parent / "report.json").read_text())["arms"]["mix_ent"]["runs"][0]
    assert (report.parent / named).resolve() == first.resolve()


def test_the_baseline_is_first_wherever_arms_are(folders: list[Path], tmp_path: Path) -> None:
    chosen = analyse(read_study(folders), "mix_ent")
    html = write_report(tmp_path, chosen, convergence_of(chosen.study)).read_text()
    with (tmp_path / "arms.csv").open() as file:
        assert next(csv.DictReader(file))["arm"] == "mix_ent"
    with (tmp_path / "convergence.csv").open() as file:
        assert next(csv.DictReader(file))["arm"] == "mix_ent"
    assert 'value="0" checked>mix_ent<' in html


def test_one_arm_without_pictures_is_reported_without_a_verdict_and_them(tmp_path: Path) -> None:
    alone = analyse(read_study(write_study(tmp_path, 1, mix_ent=1.0)))
    assert verdict_sentences(alone) == ["one arm only: nothing to compare it with"]
    out = tmp_path / "report"
    html = write_report(out, alone, convergence_of(alone.study)).read_text()
    assert "Test samples that the arms" not in html
    assert "forest" not in {path.stem.split("-")[0] for path in (out / "figures").iterdir()}
    assert not (out / "verdicts.csv").exists()


SCRIPT = """(() => {
    const head = document.querySelector('thead th:nth-child(4)');
    head.click();
    const cells = [...head.closest('table').querySelectorAll('td:nth-child(4)')];
    document.querySelector('.arms input').click();
    return {
        sorted: cells.map(cell => parseFloat(cell.textContent)),
        hidden: [0, 1].map(i => getComputedStyle(document.querySelector('.arm-' + i)).display),
        figures: document.querySelectorAll('svg').length,
        wide: document.documentElement.scrollWidth > innerWidth,
        page: getComputedStyle(document.body).backgroundColor,
    };
})()"""


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the path: apt-get install chromium")
def test_a_real_browser_shows_it_without_errors_or_requests(analysis: Analysis, report: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.html"
    wrong.write_text("<script>console.error('told'); setTimeout(() => {}); throw 1;</script><img src='none.png'>")
    with browser(tmp_path / "profile") as chromium:
        seen = {
            (width, scheme): chromium.look_at(report, SCRIPT, width, scheme)
            for width, scheme in ((1200, "light"), (390, "light"), (1200, "dark"))
        }
        planted = chromium.look_at(wrong, "1", 390)
    rows = [float(row[3]) for row in verdicts_sheet(analysis).rows]
    for found in seen.values():
        assert (found.errors, found.requests) == ([], [])
        assert found.value["sorted"] == sorted(rows) != rows
        assert (found.value["hidden"], found.value["figures"], found.value["wide"]) == (["none", "inline"], 9, False)
    assert seen[1200, "light"].value["page"] != seen[1200, "dark"].value["page"]
    assert len(planted.errors) == 3  # told, thrown, and not found
    assert planted.requests == [(tmp_path / "none.png").as_uri()]
