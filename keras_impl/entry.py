"""What the registry of backends knows of the framework, without importing it."""

from common.entry import Entry
from common.footprint import Footprint, Keeps

ENTRY = Entry(
    name="keras",
    label="Keras/TensorFlow",
    package="keras_impl",
    optimizer="lbfgs",
    modes=("graph", "eager", "xla", "lean"),
    fused=("xla", "lean"),
    tiled=("graph", "eager", "xla", "lean"),
    transfer_mode="lean",
    distributions=("tensorflow", "keras"),
    variables={"KERAS_BACKEND": "tensorflow"},  # Keras reads it once, when it is first imported
    default_variables={"TF_CPP_MIN_LOG_LEVEL": "3"},
    thread_variables=("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
    loggers=("tensorflow",),  # advises against retracing, but every problem here is new
    footprint=Footprint(
        base_bytes=715e6,
        columns=0.0,
        modes={
            "graph": Keeps(pool_bytes=1, term_maps=1.0, columns=15.0),
            "eager": Keeps(pool_bytes=1, columns=15.0),
            "xla": Keeps(pool_bytes=1, conv_maps=11.0, columns=15.0, compiler_bytes=200e6),
            "lean": Keeps(
                maps=0, relu_bytes=1, pool_bytes=1, conv_maps=1.25, pool_maps=3.0, term_maps=0.0, columns=2.0
            ),
        },
    ),
)
