"""Test cases from outside: two ports written from docs/tensors.md alone, and single faults that people make in ports."""
