"""The report's folder, and its page in a real browser."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from pathlib import Path

import pytest
import torch

from entreg.compare.analysis import Analysis, analyse
from entreg.compare.convergence import convergence_of
from entreg.compare.report.write import verdict_sentences, write_report
from entreg.compare.study import read_study
from tests.compare.run_folders import CLASSES, write_study

CHROMIUM = shutil.which("chromium")


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    return analyse(read_study(write_study(tmp_path_factory.mktemp("study"), 3)))


@pytest.fixture(scope="module")
def report(analysis: Analysis, tmp_path_factory: pytest.TempPathFactory) -> Path:
    images = torch.randint(256, (400, 1, 28, 28), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    out = tmp_path_factory.mktemp("report")
    return write_report(out, analysis, convergence_of(analysis.study), (images, CLASSES))


def test_every_format_is_there_and_says_the_same(analysis: Analysis, report: Path) -> None:
    names = {path.name for path in report.parent.iterdir()}
    tables = {f"{name}.csv" for name in ("arms", "verdicts", "secondary", "ood", "convergence", "differences")}
    assert names == {"index.html", "report.md", "report.tex", "report.json", *tables}
    verdict = analysis.comparisons["acc"]["mix_ent"].verdict
    assert f"mix_ent against cross_entropy, accuracy %: {verdict}" in (report.parent / "report.md").read_text()
    with (report.parent / "verdicts.csv").open() as file:
        assert list(csv.reader(file))[2][-1] == verdict
    content = json.loads((report.parent / "report.json").read_text())
    assert content["comparisons"]["acc"]["mix_ent"]["verdict"] == verdict
    assert content["comparisons"]["acc"]["mix_ent"]["paired"]["n"] == 3
    assert content["arms"]["mix_ent"]["seeds"] == [0, 1, 2]


def test_the_page_is_one_small_file_that_asks_for_nothing_else(report: Path) -> None:
    html = report.read_text()
    assert len(html) < 3e6
    for reference in ('src="http', 'href="http', "url(http", "@import"):
        assert reference not in html
    headings = ("Verdict in numbers", "Reliability of the first seed before and after", "Images the arms disagree on")
    assert all(heading in html for heading in headings)


def test_without_images_the_page_does_without_them(analysis: Analysis, tmp_path: Path) -> None:
    html = write_report(tmp_path, analysis, convergence_of(analysis.study)).read_text()
    assert "Images the arms disagree on" not in html


def test_one_arm_is_reported_without_a_verdict(tmp_path: Path) -> None:
    alone = analyse(read_study(write_study(tmp_path, 2, mix_ent=1.0)))
    assert verdict_sentences(alone) == ["one arm only: nothing to compare it with"]
    out = tmp_path / "report"
    write_report(out, alone, convergence_of(alone.study))
    assert not (out / "verdicts.csv").exists()


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the path: apt-get install chromium")
@pytest.mark.parametrize("width", [1000, 390])
def test_a_real_browser_shows_it_without_errors_or_requests(report: Path, width: int, tmp_path: Path) -> None:
    probe = tmp_path / "probe.html"
    script = (
        "<script>const failed = []; addEventListener('error', e => failed.push(e.message), true);"
        "addEventListener('load', () => document.body.dataset.found = JSON.stringify({failed,"
        "requests: performance.getEntriesByType('resource').length, figures: document.querySelectorAll('svg').length,"
        "wide: document.documentElement.scrollWidth > innerWidth}));</script></head>"
    )
    probe.write_text(report.read_text().replace("</head>", script, 1))
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    command = [str(CHROMIUM), *flags, f"--user-data-dir={tmp_path}", f"--window-size={width},900", "--dump-dom"]
    result = subprocess.run([*command, probe.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    found = result.stdout.split('data-found="', 1)[1].split('"', 1)[0].replace("&quot;", '"')
    assert json.loads(found) == {"failed": [], "requests": 0, "figures": 9, "wide": False}
