"""What a backend offers, and the registry: a name comes in, a `Backend` with its framework imported goes out."""

from common.backend.backend import Backend
from common.backend.measured import DeviceMemory
from common.backend.registry import BACKENDS, GROUP, find_entry, load_backend, registered
