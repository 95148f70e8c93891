"""Put the backends side by side: do they compute the same, and how long does each take.

`python compare.py --help` lists what it can do.
"""

import os
import signal
import sys


def run() -> int:
    """`python compare.py`."""
    _end_at_once_by_an_interrupt()
    from common.cli.main import main

    return main()


def run_console_script() -> int:
    """`style-rosetta`."""
    _end_at_once_by_an_interrupt()
    from common.cli.main import style_rosetta

    return style_rosetta()


def _end_at_once_by_an_interrupt() -> None:
    """Until `common.errors.exit_code` takes over: some imports turn a KeyboardInterrupt into another error."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))


if __name__ == "__main__":
    sys.exit(run())
