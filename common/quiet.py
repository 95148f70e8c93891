"""Keep what TensorFlow writes to the terminal while it is imported from hiding our own lines."""

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Hold back everything written to file descriptor 2, native code included; print it if the block fails."""
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # advice on retracing: every problem here is new
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 2)
        try:
            yield
        except BaseException:
            log.seek(0)
            os.write(kept, log.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
