"""`python -m jax_impl CONTENT STYLE -o OUT`."""

import os
import signal

if __name__ == "__main__":
    # Until `exit_code` takes over: some imports turn a KeyboardInterrupt into another error.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))

    from common.cli.stylize import main
    from common.errors import leave

    leave(main("jax"))
