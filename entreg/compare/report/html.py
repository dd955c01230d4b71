"""The report: one HTML file that needs nothing else, readable offline, on a phone, in light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from entreg.compare.report.alignment import aligned
from entreg.compare.report.glossary import explained
from entreg.compare.report.sheet import Sheet
from entreg.text import for_html

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Page:
    """What the report says.

    Attributes:
        title: its title.
        subtitle: a line below it.
        arms: labels of the arms, each with the colour that it is drawn in.
        head: HTML above all sections: the verdicts.
        sections: headings and their HTML, in order; those without any are left out.
    """

    title: str
    subtitle: str
    arms: Sequence[tuple[str, str]]
    head: str
    sections: Sequence[tuple[str, str]]

    def html(self) -> str:
        """Return the whole page."""
        shown = [(heading, content) for heading, content in self.sections if content]
        contents = "".join(f'<a href="#s{i}">{for_html(heading)}</a> ' for i, (heading, _) in enumerate(shown))
        body = "".join(
            f'<section id="s{i}"><h2>{explained(heading)}</h2>{content}</section>'
            for i, (heading, content) in enumerate(shown)
        )
        return (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<link rel="icon" href="data:,">'
            f"<title>{for_html(self.title)}</title><style>{_asset('page.css')}</style></head><body>"
            f'<header><h1>{for_html(self.title)}</h1><p class="note">{for_html(self.subtitle)}</p>'
            f'<nav aria-label="contents">{contents}</nav>{self.head}</header>{self._switches()}{body}'
            f"<script>{_asset('page.js')}</script></body></html>\n"
        )

    def _switches(self) -> str:
        """Return what shows and hides arms in the figures; the script unhides it."""
        box = '<input type="checkbox" style="accent-color: {}" value="{}" checked>'
        boxes = "".join(
            f"<label>{box.format(colour, i)}{for_html(label)}</label> " for i, (label, colour) in enumerate(self.arms)
        )
        return f'<div class="arms" role="group" aria-label="arms in the figures" hidden>{boxes}</div>'


def verdict(kind: str, word: str, sentence: str) -> str:
    """Return a sentence in a box of its own, its verdict in colour and in a word."""
    said = f"<strong>{for_html(word)}</strong>: " if word else ""
    return f'<p class="{f"verdict {kind}".strip()}">{said}{explained(sentence)}</p>'


def table(sheet: Sheet) -> str:
    """Return a sheet as an HTML table that scrolls on narrow screens, its numbers below each other by the decimal."""
    if not sheet.rows:
        return ""
    head = "".join(f'<th scope="col">{explained(cell)}</th>' for cell in sheet.header)
    columns = [aligned([row[i] for row in sheet.rows]) for i in range(len(sheet.header))]
    rows = "".join(
        f"<tr>{''.join(f'<td>{for_html(cell)}</td>' for cell in row)}</tr>" for row in zip(*columns, strict=True)
    )
    note = f'<p class="note">{for_html(sheet.footnote)}</p>' if sheet.footnote else ""
    return (
        f'<div class="scroll" role="region" aria-label="{for_html(sheet.title)}" tabindex="0"><table>'
        f"<caption>{explained(sheet.title)}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
        f"{note}"
    )


def picture(figure: Figure, description: str) -> str:
    """Return a figure as inline SVG whose text and axes take the colour of the page."""
    from entreg.compare.report.svg import svg_of  # imports matplotlib, which only pictures need

    return f'<figure role="group" aria-label="{for_html(description)}">{svg_of(figure)}</figure>'


def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
