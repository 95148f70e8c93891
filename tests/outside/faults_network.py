"""Faults: network."""
