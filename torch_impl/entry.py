"""What the registry of backends knows of the framework, without importing it."""

from common.entry import Entry

ENTRY = Entry(
    name="torch",
    label="PyTorch",
    package="torch_impl",
    optimizer="adam",
    modes=("eager", "compiled", "lean"),
    fused=("compiled", "lean"),
    transfer_mode="lean",
    distributions=("torch",),
    cache_variable="TORCHINDUCTOR_CACHE_DIR",
)
