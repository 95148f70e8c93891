"""Test cases from outside: two ports written from docs/tensors.md alone, and faults that people make in ports."""
