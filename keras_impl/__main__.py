"""`python -m keras_impl CONTENT STYLE -o OUT`."""

from common.cli.stylize import main
from common.errors import leave

if __name__ == "__main__":
    leave(main("keras"))
