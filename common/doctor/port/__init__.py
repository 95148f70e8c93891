"""What a port hands over: files, a callable, or tensors of a reference bundle."""
