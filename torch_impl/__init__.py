"""VGG-19 neural style transfer in PyTorch."""

import sys

from common.framework_imports import keep_triton_out

if "tensorflow" in sys.modules:
    keep_triton_out()

# `python -m torch_impl` reads its options before it spends seconds on importing PyTorch.
if not (sys.argv[:1] == ["-m"] and __name__ in sys.orig_argv):
    from torch_impl.api import features, losses, stylize, value_and_grad, versions

    __all__ = ["features", "losses", "stylize", "value_and_grad", "versions"]
