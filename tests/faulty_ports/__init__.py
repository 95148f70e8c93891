"""Traps that are planted into both real implementations, and without the doctor's own forms of them."""
