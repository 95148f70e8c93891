"""The one device that all rows of a comparison can use."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

from common.comparison.workers import Worker
from common.errors import RosettaError
from common.machine import has_nvidia_gpu

Interpreter = tuple[str, str | None]  # a backend, and the Python that runs it


def shared_device(interpreters: Iterable[Interpreter]) -> str:
    """`gpu` where the machine has one that every backend finds, else `cpu`; frameworks are asked only where it has."""
    if not has_nvidia_gpu():
        return "cpu"
    with ThreadPoolExecutor() as pool:
        return "gpu" if set(pool.map(_best_device, set(interpreters))) == {"gpu"} else "cpu"


@lru_cache
def _best_device(interpreter: Interpreter) -> str:
    """What a backend takes by itself; the CPU where it cannot be imported, which its row will say."""
    try:
        with Worker(*interpreter) as worker:
            return str(worker.ask("device").values["device"])
    except RosettaError:
        return "cpu"
