"""Faults: gradient."""
