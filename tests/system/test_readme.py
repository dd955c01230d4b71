"""README's recipes work as they are printed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from entreg.__main__ import main
from entreg.losses import registry
from entreg.testing import check_loss
from tests.conftest import REPOSITORY, TINY
from tests.net_runs import run_of

README = (REPOSITORY / "README.md").read_text()


def section(title: str) -> str:
    return README.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def python_of(title: str) -> str:
    return re.findall(r"```python\n(.*?)```", section(title), re.DOTALL)[0]


@pytest.mark.parametrize(
    ("title", "module", "options"),
    [
        ("Your own loss", "my_losses", ["--model.loss", "my_losses.TaylorLoss", "--model.loss.order", "3"]),
        ("Your own network", "my_nets", ["--model.net", "my_nets.Linear"]),
        ("Your own data", "my_data", ["--data", "my_data.Digits", "--data.root", "digits"]),
    ],
)
def test_recipes_run(title: str, module: str, options: list[str], workplace: Path) -> None:
    (workplace / f"{module}.py").write_text(python_of(title))
    (workplace / "digits").mkdir()
    for part in ("train", "test"):
        images = torch.randint(256, (100, 1, 28, 28), dtype=torch.uint8)
        torch.save((images, torch.arange(100) % 10), f"digits/digits-{part}.pt")
    base = TINY if "--data" not in options else ["--model.loss", "mix_ent", *TINY[TINY.index("--data.batch_size") :]]
    assert main(["fit", *base, *options, "--data.batch_size", "20", "--trainer.fast_dev_run", "true"]) == 0


def test_the_loss_of_the_recipe_passes_the_suite() -> None:
    namespace: dict[str, type] = {}
    exec(python_of("Your own loss"), namespace)
    check_loss(namespace["TaylorLoss"](), class_symmetric=True)


def test_the_loss_of_the_recipe_is_made_by_its_name_once_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_registry", registry.available())
    namespace: dict[str, Any] = {}
    code = re.findall(r"```python\n(.*?)```", section("Your own loss"), re.DOTALL)
    exec("\n".join(code), namespace)
    assert type(namespace["loss"]) is namespace["TaylorLoss"]
    assert namespace["loss"].order == 3


def test_a_run_is_a_classifier_in_python(workplace: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    (workplace / "scans").mkdir()
    page = Image.new("L", (28, 28), "white")
    page.paste("black", (12, 4, 16, 24))
    page.save("scans/a.png")
    namespace: dict[str, Any] = {}
    exec(python_of("In Python").replace("runs/<id>", str(run_of("LeNet", tmp_path_factory).path)), namespace)
    assert namespace["found"].calibrated.shape == (1, 26)
    torch.testing.assert_close(namespace["logits"], torch.from_numpy(namespace["found"].logits))


def test_recipes_are_short() -> None:
    for title in ("Your own loss", "Your own network", "Your own data"):
        assert len(python_of(title).strip().splitlines()) <= 20


def expanded(pattern: str) -> list[Path]:
    """Files of a path as bash would read it, with ``*`` and one ``{a,b}``."""
    before, _, rest = pattern.partition("{")
    middle, _, after = rest.partition("}")
    found = [list(REPOSITORY.glob(f"{before}{choice}{after}")) for choice in middle.split(",")]
    return [path for paths in found for path in paths] if all(found) else []


def test_every_command_names_files_that_exist() -> None:
    for path in re.findall(r"(?:configs|notebooks|tests)/[\w./*{},]+\w", README):
        assert expanded(path), path


def test_the_two_commands_of_a_fresh_machine_are_marked() -> None:
    for tag in ("run", "test"):
        assert re.search(rf"<!-- fresh: {tag} -->\n```bash\npip install", README)
