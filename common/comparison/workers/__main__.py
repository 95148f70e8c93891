"""`python -m common.comparison.workers.__main__ BACKEND`: one backend answers requests in a process of its own.

A request is a JSON line on stdin, an event a JSON line on stdout; arrays travel in the job's folder, and what a
framework prints goes to stderr. The process ends when stdin does.
"""

import json
import os
import platform
import sys
import time
import traceback
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from common.backend import find_entry, load_backend
from common.comparison.workers.handlers import Handlers
from common.errors import RosettaError, one_line

Emit = Callable[[str, Any], None]


def main(name: str) -> int:
    """Import a backend and answer requests until there are no more; returns 2 when it cannot be imported."""
    emit = _emitter()
    try:
        start_ns = time.perf_counter_ns()
        backend = load_backend(name)
        import_s = (time.perf_counter_ns() - start_ns) / 1e9
        versions = {**find_entry(name).versions(), "numpy": version("numpy"), "scipy": version("scipy")}
        python = {"executable": sys.executable, "python": platform.python_version()}
        emit("imported", {"import_s": import_s, **python, "versions": versions})
    except RosettaError as error:
        emit("error", str(error))
        return 2
    handlers = Handlers(backend, emit)
    for line in sys.stdin:
        _answer(handlers, json.loads(line), emit)
    return 0


def _answer(handlers: Handlers, request: dict[str, Any], emit: Emit) -> None:
    # Whatever a framework raises (no compiler, out of memory) is an answer, and the process lives on.
    try:
        emit("result", handlers.do(**request))
    except RosettaError as error:
        emit("error", str(error))
    except Exception as error:
        traceback.print_exc()
        emit("error", f"{type(error).__name__}: {one_line(error)}")


def _emitter() -> Emit:
    # Frameworks may print; keep the real stdout for events and send everything else to stderr.
    events = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def emit(kind: str, value: Any) -> None:
        print(json.dumps({kind: value}), file=events, flush=True)

    return emit


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
