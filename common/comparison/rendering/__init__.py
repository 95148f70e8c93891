"""The report as people read it: a page, Markdown, and charts."""
