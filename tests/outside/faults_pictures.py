"""Faults: pictures."""
