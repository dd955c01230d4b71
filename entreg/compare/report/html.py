"""The report: one HTML file that needs nothing else, readable offline, on a phone, in light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from typing import TYPE_CHECKING

from entreg.compare.report.sheet import Sheet
from entreg.text import for_html

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PHONE = 7.0  # inches; a wider figure keeps its width on a phone and is scrolled, so that its text can be read
_INK = "#010203"  # no figure uses this colour: it marks what shall take the colour of the page's text
_STYLE = """
:root { color-scheme: light dark; --ground: #fff; --text: #1c1e21; --soft: #f3f4f6; --line: #d5d8dd; --link: #0b62a4; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #14171a; --text: #e4e6e9; --soft: #20252a; --line: #3a4047; --link: #6cb8f0; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 62rem; background: var(--ground); color: var(--text);
       font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: .2rem 0; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
.verdict { border-left: .3rem solid var(--link); background: var(--soft); padding: .6rem 1rem; margin: .5rem 0; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .85rem; width: 100%; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; }
th:first-child, td:first-child, .words :is(th, td):last-child { text-align: left; }
.words td:last-child { min-width: 16rem; } thead th { background: var(--soft); }
caption { text-align: left; font-size: .85rem; opacity: .85; padding-bottom: .3rem; }
figure { margin: 0; overflow-x: auto; } figure svg { max-width: 100%; height: auto; }
figure.wide svg { min-width: 40rem; } .note { font-size: .9rem; opacity: .85; }
"""


def page(title: str, subtitle: str, verdicts: Sequence[str], sections: Sequence[tuple[str, str]]) -> str:
    """Return the whole page.

    Args:
        title: its title.
        subtitle: a line below it.
        verdicts: what it says, a sentence each.
        sections: headings and their HTML, in order.
    """
    said = "".join(f'<p class="verdict">{for_html(verdict)}</p>' for verdict in verdicts)
    body = "".join(
        f"<section><h2>{for_html(heading)}</h2>{content}</section>" for heading, content in sections if content
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,">'
        f"<title>{for_html(title)}</title><style>{_STYLE}</style></head><body>"
        f'<header><h1>{for_html(title)}</h1><p class="note">{for_html(subtitle)}</p>{said}</header>{body}'
        "</body></html>\n"
    )


def table(sheet: Sheet) -> str:
    """Return a sheet as an HTML table that scrolls on narrow screens."""
    if not sheet.rows:
        return ""
    head = "".join(f'<th scope="col">{for_html(cell)}</th>' for cell in sheet.header)
    rows = "".join(f"<tr>{''.join(f'<td>{for_html(cell)}</td>' for cell in row)}</tr>" for row in sheet.rows)
    words = ' class="words"' if sheet.header[-1] == "verdict" else ""
    return (
        f'<div class="scroll" role="region" aria-label="{for_html(sheet.title)}" tabindex="0"><table{words}>'
        f"<caption>{for_html(sheet.title)}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def picture(figure: Figure | None, description: str) -> str:
    """Return a figure as inline SVG whose text and axes take the colour of the page."""
    if figure is None:
        return ""
    import matplotlib

    for ax in figure.axes:
        ax.set_facecolor("none")
        ax.tick_params(colors=_INK, which="both")
        texts = [ax.title, ax.xaxis.label, ax.yaxis.label]
        if (legend := ax.get_legend()) is not None:
            texts += legend.get_texts()
        for text in texts:
            text.set_color(_INK)
        for spine in ax.spines.values():
            spine.set_color(_INK)
    file = StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "entreg"}):
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :].replace(_INK, "currentColor")
    wide = ' class="wide"' if figure.get_figwidth() > _PHONE else ""
    return f'<figure role="img" aria-label="{for_html(description)}"{wide} tabindex="0">{svg}</figure>'
