"""What a comparison leaves behind: tables, pictures, and one HTML file."""

from entreg.compare.report.comparison_tables import power_sheet, secondary_sheet, verdict_sentences, verdicts_sheet
from entreg.compare.report.pictures import Pictures, pictures_of
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
    "secondary_sheet",
    "sheets_of",
    "verdict_sentences",
    "verdicts_sheet",
    "write_report",
]
