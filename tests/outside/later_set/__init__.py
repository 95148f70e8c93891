"""The later set of faults: written when the closed set had been opened, run once, opened afterwards."""
