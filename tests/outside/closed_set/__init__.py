"""The closed set of faults: run once, opened afterwards."""
