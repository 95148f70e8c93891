"""What the registry of backends knows of the framework, without importing it."""

from common.entry import Entry

ENTRY = Entry(
    name="keras",
    label="Keras/TensorFlow",
    package="keras_impl",
    optimizer="lbfgs",
    modes=("graph", "eager", "xla", "lean"),
    fused=("xla", "lean"),
    transfer_mode="lean",
    distributions=("tensorflow", "keras"),
    thread_variables=("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
    loggers=("tensorflow",),  # advises against retracing, but every problem here is new
)
