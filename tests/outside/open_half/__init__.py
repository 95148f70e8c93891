"""The open half of the faults: read and used by anyone who improves the port doctor.

The closed half is a separate package, so that reading this half shows nothing of it.
"""
