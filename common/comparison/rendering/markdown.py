"""report.md: short, to be pasted into an issue."""

from collections.abc import Mapping
from typing import Any

from common.comparison.rendering.formatting import encodable
from common.comparison.rendering.ranking import (
    disturbed,
    environments,
    groups_of,
    headline,
    shown_names,
    verdict_on_agreement,
)
from common.comparison.rendering.templating import environment


def render_markdown(report: Mapping[str, Any]) -> str:
    """The whole text, in GitHub's Markdown."""
    groups = groups_of(report)
    template = environment().get_template("report.md.j2")
    text = template.render(
        report=report,
        title=headline(report),
        agreement=verdict_on_agreement(report),
        disturbed=disturbed(report),
        groups=groups,
        title_of={row["name"]: group.title for group in groups for row in group.rows},
        names=shown_names(report["rows"]),
        environments=environments(report["rows"]),
    )
    return encodable(text)
