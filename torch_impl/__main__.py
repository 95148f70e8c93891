"""`python -m torch_impl CONTENT STYLE -o OUT`."""

from common.cli import main

if __name__ == "__main__":
    raise SystemExit(main("torch"))
