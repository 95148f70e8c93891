"""What the registry of backends knows of the framework, without importing it."""

from common.entry import Entry

ENTRY = Entry(
    name="torch",
    label="PyTorch",
    package="torch_impl",
    optimizer="adam",
    modes=("eager", "compiled"),
    fused=("compiled",),
    distributions=("torch",),
    cache_variable="TORCHINDUCTOR_CACHE_DIR",
)
