"""What is computed, as data: no files, no clocks, no tensors."""
