"""Faults: handing."""
