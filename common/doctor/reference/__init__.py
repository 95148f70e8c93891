"""The reference as a port with some faults would compute it."""
