"""What a comparison leaves behind: tables, pictures, and one HTML file.

What stands in ``__all__`` is imported when it is first asked for: tables alone need no data set and no drawing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from entreg.compare.report.comparison_tables import power_sheet, secondary_sheet, verdict_sentences, verdicts_sheet
    from entreg.compare.report.overall import report_overall
    from entreg.compare.report.pictures import Pictures, pictures_of
    from entreg.compare.report.refinement import refinement_sheet
    from entreg.compare.report.sheet import Sheet
    from entreg.compare.report.tables import arms_sheet, convergence_sheet, differences_sheet, ood_sheet
    from entreg.compare.report.terminal import print_tables
    from entreg.compare.report.write import as_json, sheets_of, write_report

__all__ = [
    "Pictures",
    "Sheet",
    "arms_sheet",
    "as_json",
    "convergence_sheet",
    "differences_sheet",
    "ood_sheet",
    "pictures_of",
    "power_sheet",
    "print_tables",
    "refinement_sheet",
    "report_overall",
    "secondary_sheet",
    "sheets_of",
    "verdict_sentences",
    "verdicts_sheet",
    "write_report",
]

_MODULES = {
    "comparison_tables": ("power_sheet", "secondary_sheet", "verdict_sentences", "verdicts_sheet"),
    "overall": ("report_overall",),
    "pictures": ("Pictures", "pictures_of"),
    "refinement": ("refinement_sheet",),
    "sheet": ("Sheet",),
    "tables": ("arms_sheet", "convergence_sheet", "differences_sheet", "ood_sheet"),
    "terminal": ("print_tables",),
    "write": ("as_json", "sheets_of", "write_report"),
}


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
