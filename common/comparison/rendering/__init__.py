"""The report as people read it: a page, Markdown, and charts."""

from common.comparison.rendering.markdown import render_markdown
from common.comparison.rendering.page import render_page
from common.comparison.rendering.ranking import disturbed, verdict_on_agreement

__all__ = [
    "disturbed",
    "render_markdown",
    "render_page",
    "verdict_on_agreement",
]
