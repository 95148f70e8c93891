"""What the registry of backends knows of the framework, without importing it."""

from common.entry import Entry
from common.footprint import Footprint, Keeps

ENTRY = Entry(
    name="jax",
    label="JAX",
    package="jax_impl",
    modes=("jit", "eager"),
    tiled=("jit", "eager"),
    fused=("jit",),
    distributions=("jax", "jaxlib"),
    default_variables={"XLA_PYTHON_CLIENT_PREALLOCATE": "false"},  # or the whole of a GPU's memory is taken
    thread_variables=("NPROC",),
    cache_variable="JAX_COMPILATION_CACHE_DIR",
    footprint=Footprint(modes={"eager": Keeps(maps=2)}),
)
