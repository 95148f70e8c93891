"""Whether the backends and the rows compute the same."""
