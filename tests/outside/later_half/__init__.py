"""The later half of the faults: written when the other two halves were done, to judge once more."""
