"""The recipes of README and of the pages of the rooms work as they are printed."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from entreg.__main__ import main
from entreg.losses import registry
from entreg.runs import Run
from entreg.testing import check_loss
from tests.conftest import REPOSITORY, TINY
from tests.net_runs import run_of

README = (REPOSITORY / "README.md").read_text()
PAGES = sorted(path for path in REPOSITORY.rglob("README.md") if "." not in str(path.relative_to(REPOSITORY).parent))


def python_of(title: str, page: str = "") -> list[str]:
    """The Python blocks of a section, of README or of the page of a room."""
    section = (REPOSITORY / page / "README.md").read_text().split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"```python\n(.*?)```", section, re.DOTALL)


@pytest.mark.parametrize(
    ("title", "page", "module", "options"),
    [
        ("Your own loss", "", "my_losses", ["--model.loss", "my_losses.TaylorLoss", "--model.loss.order", "3"]),
        ("Your own network", "entreg/models", "my_nets", ["--model.net", "my_nets.Linear"]),
        ("Your own data", "entreg/data", "my_data", ["--data", "my_data.Digits", "--data.root", "digits"]),
    ],
)
def test_recipes_run(title: str, page: str, module: str, options: list[str], workplace: Path) -> None:
    recipe = python_of(title, page)[0]
    assert len(recipe.strip().splitlines()) <= 20
    (workplace / f"{module}.py").write_text(recipe)
    (workplace / "digits").mkdir()
    for part in ("train", "test"):
        images = torch.randint(256, (100, 1, 28, 28), dtype=torch.uint8)
        torch.save((images, torch.arange(100) % 10), f"digits/digits-{part}.pt")
    base = TINY if "--data" not in options else ["--model.loss", "mix_ent", *TINY[TINY.index("--data.batch_size") :]]
    assert main(["fit", *base, *options, "--data.batch_size", "20", "--trainer.fast_dev_run", "true"]) == 0


def test_the_loss_of_the_recipe_passes_the_suite() -> None:
    namespace: dict[str, type] = {}
    exec(python_of("Your own loss")[0], namespace)
    check_loss(namespace["TaylorLoss"](), class_symmetric=True)


def test_the_loss_of_the_recipe_is_made_by_its_name_once_registered(
    monkeypatch: pytest.MonkeyPatch, workplace: Path
) -> None:
    monkeypatch.setattr(registry, "_registry", registry.available())
    (workplace / "my_losses.py").write_text(python_of("Your own loss")[0])
    namespace: dict[str, Any] = {}
    of_p_y, named = python_of("Your own loss", "entreg/losses")
    exec(named, namespace)
    row = namespace["row"]
    check_loss(namespace["TaylorLoss"](), class_symmetric=row.class_symmetric, soft=row.soft, masking=row.masking)
    exec(of_p_y, namespace)
    check_loss(namespace["PowerLoss"](), per_sample=True, class_symmetric=True, soft=True, masking=True)
    assert type(namespace["loss"]) is namespace["TaylorLoss"]
    assert namespace["loss"].order == 3


def test_the_metric_of_the_recipe_is_logged_and_chosen_by(workplace: Path) -> None:
    (workplace / "my_metrics.py").write_text(python_of("Your own metric", "configs")[0])
    choose = ["--checkpoint.monitor", "val/f1", "--trainer.callbacks+=my_metrics.F1"]
    assert main(["fit", *TINY, *choose]) == 0
    (run,) = map(Run, Path("runs").iterdir())
    rows = [line.split(",") for line in run.metrics.read_text().splitlines()]
    assert all(0 <= float(value) <= 1 for _, name, value, _ in rows if name == "val/f1")
    assert "val/f1" in {name for _, name, _, _ in rows}


def test_a_run_is_a_classifier_in_python(workplace: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    (workplace / "scans").mkdir()
    page = Image.new("L", (28, 28), "white")
    page.paste("black", (12, 4, 16, 24))
    page.save("scans/a.png")
    namespace: dict[str, Any] = {}
    exec(python_of("In Python")[0].replace("runs/<id>", str(run_of("LeNet", tmp_path_factory).path)), namespace)
    assert namespace["found"].calibrated.shape == (1, 26)
    torch.testing.assert_close(namespace["logits"], torch.from_numpy(namespace["found"].logits))


def expanded(pattern: str) -> list[Path]:
    """Files of a path as bash would read it, with ``*`` and one ``{a,b}``."""
    before, _, rest = pattern.partition("{")
    middle, _, after = rest.partition("}")
    found = [list(REPOSITORY.glob(f"{before}{choice}{after}")) for choice in middle.split(",")]
    return [path for paths in found for path in paths] if all(found) else []


def test_losses_and_verdicts_need_no_run_folder(capsys: pytest.CaptureFixture[str]) -> None:
    target = torch.arange(200) % 4
    names: dict[str, Any] = {"logits": torch.randn(200, 4), "target": target, "targets": target}
    for arm in ("cross_entropy", "mix_ent"):
        names[arm] = [torch.randn(200, 4) + torch.eye(4)[target] for _ in range(2)]
    for recipe in python_of("In Python")[1:]:
        exec(recipe, names)
    assert names["loss"].ndim == 0
    assert "mix_ent" in capsys.readouterr().out


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_every_page_names_files_that_exist(page: Path) -> None:
    text = page.read_text()
    for path in re.findall(r"(?<![\w/])(?:configs|notebooks|tests|entreg)/[\w./*{},-]+\w", text):
        assert expanded(path), path
    for link in re.findall(r"\]\((?!http)([^)#]*)", text):
        assert (page.parent / link).exists(), link
    for module in re.findall(r"python -m ([\w.]+)", text):
        assert find_spec(module), module


def test_readme_is_read_in_minutes() -> None:
    assert len(README.encode()) <= 8 * 1024


def test_the_two_commands_of_a_fresh_machine_are_marked() -> None:
    for tag in ("run", "test"):
        assert re.search(rf"<!-- fresh: {tag} -->\n```bash\npip install", README)
