"""The closed half of the faults: run, and opened, only for the final score of a version.

The files are separate from the open half, so that nobody who improves the port doctor has seen these faults.
"""
