"""Figures as SVG: their parts know what they are, and their ink is the page's or a paper's."""

from __future__ import annotations

import re
from io import StringIO
from typing import TYPE_CHECKING

from matplotlib import rc_context
from matplotlib.text import Text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_INK = "#010203"  # no figure uses this colour: it marks what takes the colour of the text around it
_MARK = re.compile(r"""<g id=(["'])arm:(\d+):(.*?)\1>""")  # see plots.axes.mark_of


def svg_of(figure: Figure) -> str:
    """Return an SVG element whose text and axes take the colour of the text around it.

    What belongs to an arm, as :func:`entreg.compare.report.plots.mark_of` says, has the class ``arm-<index>``, and a
    title that is shown where it is pointed at.
    """
    for text in figure.findobj(Text):
        if isinstance(text, Text) and text.get_color() == "black":
            text.set_color(_INK)
    for ax in figure.axes:
        ax.set_facecolor("none")
        ax.tick_params(colors=_INK, which="both")
        for spine in ax.spines.values():
            spine.set_color(_INK)
    file = StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "entreg"}):
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = file.getvalue()
    return _MARK.sub(_marked, svg[svg.index("<svg") :].replace(_INK, "currentColor"))


def _marked(found: re.Match[str]) -> str:
    _, index, said = found.groups()
    return f'<g class="arm-{index}">' + (f"<title>{said}</title>" if said else "")
