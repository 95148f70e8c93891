"""From a session to its report: one tree of values, as JSON, in the terminal, and beside a baseline."""

from common.comparison.reporting.baseline import changes, check_conditions, missing, read_baseline, save_baseline
from common.comparison.reporting.build import Pictures, picture_files, report_of
from common.comparison.reporting.pictures import save_grid
from common.comparison.reporting.report import Report, report_schema, report_to_json
from common.comparison.reporting.rows import Difference, Group, RowReport
from common.comparison.reporting.summary import print_conclusion, print_part, verdict_cell
