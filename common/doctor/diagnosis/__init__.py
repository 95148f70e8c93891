"""The judgement of every tensor, the search for causes, and the findings."""
