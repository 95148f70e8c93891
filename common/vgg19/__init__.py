"""The network: its layer table, the preprocessing of its checkpoints, and its weights."""
