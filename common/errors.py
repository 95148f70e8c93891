"""The one exception that a user may see."""


class RosettaError(Exception):
    """Something the user gave cannot be used; the message is one line and names the way out."""
