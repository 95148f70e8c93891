"""What a comparison found: values, files, baselines, and the terminal."""

from common.comparison.reporting.baseline import changes, check_conditions, missing, read_baseline, save_baseline
from common.comparison.reporting.files import report_folder, write_report
from common.comparison.reporting.pictures import save_grid
from common.comparison.reporting.report import Report
from common.comparison.reporting.serialization import report_to_json
from common.comparison.reporting.summary import print_summary
from common.comparison.reporting.tables import losses_table, recipe_table

__all__ = [
    "Report",
    "changes",
    "check_conditions",
    "losses_table",
    "missing",
    "print_summary",
    "read_baseline",
    "recipe_table",
    "report_folder",
    "report_to_json",
    "save_baseline",
    "save_grid",
    "write_report",
]
