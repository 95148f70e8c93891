"""Faults: losses."""
