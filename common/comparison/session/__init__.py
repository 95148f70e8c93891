"""One comparison, from the references to the last row."""
