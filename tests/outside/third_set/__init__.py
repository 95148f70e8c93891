"""The third set of faults: written when the later set had been opened, run once, opened afterwards."""
