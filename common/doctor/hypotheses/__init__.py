"""The known traps, and the changes of the reference that each stands for."""
