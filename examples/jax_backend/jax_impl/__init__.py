"""VGG-19 neural style transfer in JAX: the functions of `common.backend.Backend` that make pictures.

The framework is imported when a function is first used: `python -m jax_impl` reads its options before.
"""

TYPE_CHECKING = False  # for type checkers; `typing` would take long, and a Ctrl-C during it would be a traceback

__all__ = ["features", "loss_terms", "stylize", "value_and_grad"]

if TYPE_CHECKING:
    from common.backend import Backend

    _backend = Backend(__name__)
    features, loss_terms = _backend.features, _backend.loss_terms
    stylize, value_and_grad = _backend.stylize, _backend.value_and_grad
else:

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from common.backend import load_backend

        return getattr(load_backend("jax"), name)
