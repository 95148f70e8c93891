"""From a report and its pictures to files: a page, Markdown, JSON and PNG."""

from common.comparison.rendering.page import report_files, write_report
