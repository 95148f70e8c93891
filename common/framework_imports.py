"""Two frameworks in one process."""

import sys


def keep_triton_out() -> None:
    """Make `import triton` fail in this process, unless it has been imported already.

    Triton (which PyTorch's optimisers import) and TensorFlow each carry an LLVM; when Triton is loaded second,
    LLVM aborts the process. PyTorch does without Triton, which only `torch.compile` on a GPU needs.
    """
    sys.modules.setdefault("triton", None)  # type: ignore[arg-type]
