"""Named tensors: what the backends record, and what the comparison and the port doctor read."""
