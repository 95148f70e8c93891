"""The one exception that a user may see."""


class RosettaError(Exception):
    """Something the user gave cannot be used; the message is one line and names the way out."""


def one_line(error: BaseException) -> str:
    """The first line of an exception's message, or its type where it has none."""
    return (str(error).splitlines() or [type(error).__name__])[0].strip("'\"")
