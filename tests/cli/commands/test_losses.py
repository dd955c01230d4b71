from __future__ import annotations

import pytest

from entreg.__main__ import main
from entreg.losses import available


def test_losses_lists_every_entry_of_the_registry(capsys: pytest.CaptureFixture[str]) -> None:

    assert main(["losses"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(available())


def test_the_page_of_a_loss_lists_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["losses", "mix_ent"]) == 0
    options = capsys.readouterr().out.strip().splitlines()[-1]
    assert options.startswith("options: eps=1e-06, constraint='square', per_class_bases=None")
    assert main(["losses", "cross_entropy"]) == 0
    assert "options:" not in capsys.readouterr().out


@pytest.mark.parametrize("name", available())
def test_a_page_is_free_of_markup(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["losses", name])
    page = capsys.readouterr().out
    for markup in ("\\", ":math:", ":class:", "::", "mathrm", "`"):
        assert markup not in page
