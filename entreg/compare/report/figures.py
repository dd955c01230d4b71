"""All pictures of a comparison: in the page, and beside it as files for a paper."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from entreg.compare.analysis import Analysis
from entreg.compare.convergence import Convergence
from entreg.compare.report import plots
from entreg.compare.report.html import picture
from entreg.compare.report.pictures import Pictures
from entreg.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# One size of text in all figures, and in a PDF fonts that journals take.
_STYLE: Any = {
    "font.size": 9,
    "axes.titlesize": 9,
    "legend.fontsize": 9,
    "pdf.fonttype": 42,
}

_OF_LOGITS = {"reliability", "confidence", "ood-curves", "disagreements"}  # which a summary does not hold


def write_figures(
    folder: Path,
    analysis: Analysis,
    converged: Mapping[str, Sequence[Convergence]],
    pictures: Pictures | None,
) -> dict[str, str]:
    """Write every figure of a comparison as :func:`draw_figures` does."""
    return draw_figures(folder, _figures(analysis, converged, pictures))


def draw_figures(folder: Path, figures: Mapping[str, tuple[str, Callable[[], Figure | None]]]) -> dict[str, str]:
    """Write figures as ``<name>.svg`` and ``<name>.pdf``; return them as HTML by their names.

    A figure that there is nothing to draw of is left out.

    Args:
        folder: made if absent.
        figures: by name, what is seen, for who cannot see it, and how it is made.
    """
    from matplotlib import rc_context  # takes a second to import, which only pictures need

    html = {}
    for name, (description, draw) in figures.items():
        with rc_context(_STYLE):
            if (figure := draw()) is None:
                continue
            with atomic_path(folder / f"{name}.pdf") as part:
                figure.savefig(part, format="pdf", metadata={"CreationDate": None})
            html[name] = picture(figure, description)
        with atomic_path(folder / f"{name}.svg") as part:
            part.write_text(_standing_alone(html[name]), encoding="utf-8")
    return html


def _standing_alone(html: str) -> str:
    svg = html[html.index("<svg") : html.rindex("</svg>") + len("</svg>")]
    return f'<?xml version="1.0" encoding="utf-8"?>\n{svg.replace("currentColor", "black")}\n'


def _figures(
    analysis: Analysis, converged: Mapping[str, Sequence[Convergence]], pictures: Pictures | None
) -> dict[str, tuple[str, Callable[[], Figure | None]]]:
    """Return what is drawn: by name, what is seen, for who cannot see it, and how it is made."""
    found: dict[str, tuple[str, Callable[[], Figure | None]]] = {
        "forest-primary": (
            "differences of the primary measures from the baseline with the intervals that decide",
            lambda: plots.forest(analysis, analysis.primary),
        ),
        "forest-all": (
            "differences of all measures from the baseline with their intervals",
            lambda: plots.forest(analysis, list(analysis.measures)),
        ),
        "learning-curves": ("validation accuracy of each arm by step", lambda: plots.learning_curves(converged)),
        "coefficients": ("effective coefficients by step", lambda: plots.coefficients(converged)),
        "reliability": ("reliability diagrams of each arm", lambda: plots.reliability(analysis)),
        "confidence": ("histograms of confidence and entropy", lambda: plots.histograms(analysis)),
        "accuracy-calibration": (
            "accuracy and calibration error of each run",
            lambda: plots.accuracy_against_calibration(analysis),
        ),
        "ood-curves": ("ROC against each set, first seed", lambda: plots.ood_curves(analysis)),
        "corruptions": ("scores along severities", lambda: plots.robustness(analysis)),
        "label-noise": ("scores along rates of label noise", lambda: plots.label_noise(analysis)),
        "disagreements": (
            "test samples with the classes given by each arm",
            lambda: None if pictures is None else plots.disagreements(analysis, pictures),
        ),
    }
    return found if analysis.study.has_predictions else {name: found[name] for name in found if name not in _OF_LOGITS}
