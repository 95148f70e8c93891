"""Processes that hold one backend each and answer requests."""
