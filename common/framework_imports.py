"""Importing a framework: what it writes is kept back, and two can share a process."""

import logging
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


def keep_out_triton() -> None:
    """Make the import of Triton fail in this process, unless Triton has been imported already.

    Triton (which PyTorch's optimizers import) and TensorFlow each carry an LLVM; when Triton is loaded second, LLVM
    aborts the process. PyTorch does without Triton, which only `torch.compile` on a GPU needs.
    """
    sys.modules.setdefault("triton", None)  # type: ignore[arg-type]


@contextmanager
def quiet_stderr(loggers: Iterable[str] = ()) -> Iterator[None]:
    """Hold back everything written to file descriptor 2, native code included; print it if the block fails.

    The loggers are kept to errors, in the block and after.
    """
    for name in loggers:
        logging.getLogger(name).setLevel(logging.ERROR)
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
