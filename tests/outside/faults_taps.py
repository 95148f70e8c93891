"""Faults: taps."""
