"""What a backend must offer, and the registry of those there are: names in, packages with their functions out."""

from common.backend.registry import (
    BACKENDS,
    GROUP,
    Backend,
    DeviceMemory,
    best_device,
    check_precisions,
    find_entry,
    load_backend,
    registered,
)
