"""From a report and its pictures to files: a page, Markdown, JSON and PNG; and how templates are filled in."""

from common.comparison.rendering.formatting import environment
from common.comparison.rendering.page import report_files, write_report
