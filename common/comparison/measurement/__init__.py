"""Statistics of timings, the roofline, convergence, and contention for the machine."""
