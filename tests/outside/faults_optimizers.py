"""Faults: optimizers."""
