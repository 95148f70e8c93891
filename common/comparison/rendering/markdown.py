"""report.md: short, to be pasted into an issue."""

from common.comparison.rendering.templating import environment
from common.comparison.reporting import Report


def render_markdown(report: Report) -> str:
    """The whole text, in GitHub's Markdown."""
    return environment().get_template("report.md.j2").render(report=report)
