"""What the registry of backends knows of the framework, without importing it."""

from common.entry import Entry
from common.footprint import Footprint, Keeps

ENTRY = Entry(
    name="torch",
    label="PyTorch",
    package="torch_impl",
    optimizer="adam",
    modes=("eager", "compiled", "lean"),
    fused=("compiled", "lean"),
    tiled=("eager", "lean"),  # the compiler would take a minute for every size of a window
    transfer_mode="lean",
    distributions=("torch",),
    default_variables={"THP_MEM_ALLOC_ENABLE": "1"},  # large pages: fresh memory is several times faster
    cache_variable="TORCHINDUCTOR_CACHE_DIR",
    footprint=Footprint(
        base_bytes=735e6,
        forward_maps=1.0,
        slack=1.0,
        modes={
            "eager": Keeps(pool_bytes=8, conv_maps=1.0, pool_maps=1.0),
            "compiled": Keeps(maps=0, relu_bytes=1, pool_bytes=1, term_maps=0.0, compiler_bytes=170e6),
            "lean": Keeps(maps=0, relu_bytes=1, pool_bytes=1, conv_maps=1.0, term_maps=0.0),
        },
    ),
)
