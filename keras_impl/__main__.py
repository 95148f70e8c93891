"""`python -m keras_impl CONTENT STYLE -o OUT`."""

from common.cli.stylize import main

if __name__ == "__main__":
    raise SystemExit(main("keras"))
