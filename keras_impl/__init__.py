"""VGG-19 neural style transfer in Keras/TensorFlow."""

import os
import sys

from common.framework_imports import keep_triton_out

os.environ["KERAS_BACKEND"] = "tensorflow"  # Keras reads it once, when it is first imported
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

keep_triton_out()

# `python -m keras_impl` reads its options before it spends seconds on importing TensorFlow.
if not (sys.argv[:1] == ["-m"] and __name__ in sys.orig_argv):
    from keras_impl.api import features, losses, stylize, value_and_grad, versions

    __all__ = ["features", "losses", "stylize", "value_and_grad", "versions"]
