"""The recipes: what is computed, as data with its sources."""
