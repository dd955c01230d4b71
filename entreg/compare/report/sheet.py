"""A table of text in every format of the report: one content for the terminal, Markdown, LaTeX, CSV and HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from entreg.text import for_csv, for_latex, for_markdown


@dataclass(frozen=True)
class Sheet:
    """A table of text.

    Attributes:
        title: what it shows.
        header: names of the columns.
        rows: as many cells each.
        missing: why a cell may be ``-``.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    missing: str = ""

    @property
    def footnote(self) -> str:
        """Why cells are ``-``; empty where none is."""
        return f"- : {self.missing}" if self.missing and any("-" in row for row in self.rows) else ""

    @property
    def frame(self) -> pd.DataFrame:
        """The same as a table of pandas."""
        return pd.DataFrame(self.rows, columns=list(self.header))

    def markdown(self) -> str:
        """Return a Markdown table."""
        lines = [self.header, ["---"] + ["---:"] * (len(self.header) - 1), *self.rows]
        cells = ["| " + " | ".join(for_markdown(cell) for cell in line) + " |" for line in lines]
        notes = [for_markdown(self.footnote), ""] if self.footnote else []
        return "\n".join([f"**{for_markdown(self.title)}**", "", *cells, "", *notes])

    def latex(self) -> str:
        """Return a LaTeX table, with the rules of the package booktabs."""
        escaped = pd.DataFrame(
            [[for_latex(cell) for cell in row] for row in self.rows],
            columns=[for_latex(name) for name in self.header],
        )
        columns = "l" + "r" * (len(self.header) - 1)
        caption = ". ".join(for_latex(text) for text in (self.title, self.footnote) if text)
        return escaped.to_latex(index=False, caption=caption, column_format=columns)

    def csv(self) -> str:
        """Return comma-separated values."""
        rows = [[for_csv(cell) for cell in row] for row in self.rows]
        return pd.DataFrame(rows, columns=list(map(for_csv, self.header))).to_csv(index=False, lineterminator="\n")
