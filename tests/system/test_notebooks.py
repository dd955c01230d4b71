from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.compare.run_folders import write_study
from tests.conftest import REPOSITORY

NOTEBOOKS = REPOSITORY / "notebooks"


def executed(name: str, folder: Path) -> nbformat.NotebookNode:
    """A notebook after it has run from top to bottom, in a copy of its folder."""
    place = shutil.copytree(NOTEBOOKS, folder / "notebooks", ignore=shutil.ignore_patterns("figures"))
    notebook = nbformat.read(place / name, as_version=4)
    NotebookClient(notebook, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(place)}}).execute()
    return notebook


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(path.name for path in NOTEBOOKS.glob("*.ipynb") if path.name != "study.ipynb"))
def test_runs_from_top_to_bottom(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_study(tmp_path / "runs", 3)
    monkeypatch.setenv("ENTREG_RUNS", str(tmp_path / "runs"))  # what compares runs need not train them first
    notebook = executed(name, tmp_path)
    assert all(cell.outputs for cell in notebook.cells if cell.cell_type == "code" and "plt.show" in cell.source)


@pytest.mark.long
def test_readme_says_what_the_study_found(tmp_path: Path) -> None:
    answers = executed("study.ipynb", tmp_path).cells[-1].outputs[0].data["text/markdown"]
    readme = (REPOSITORY / "README.md").read_text()
    assert len(answers.splitlines()) >= 5
    for line in answers.splitlines():
        assert line in readme
    drawn = {path.name for path in (tmp_path / "notebooks" / "figures").iterdir()}
    assert drawn == {path.name for path in (NOTEBOOKS / "figures").iterdir()}
