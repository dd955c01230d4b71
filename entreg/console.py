"""Lines on the terminal, from the first process of a training alone."""

from __future__ import annotations

from lightning.pytorch.utilities import rank_zero_only
from rich.console import Console


@rank_zero_only
def print_line(text: str) -> None:
    """Print one line as it is: no colours, no wrapping."""
    Console().print(text, markup=False, highlight=False, soft_wrap=True)
