"""What a comparison holds in memory, step by step, in all its processes."""

from collections.abc import Iterator
from dataclasses import replace

from common.backend import BACKENDS
from common.comparison.request import Group
from common.comparison.scene import Scene
from common.images import extent_of
from common.memory import AtOnce, OracleRun

# How often the main process holds the outputs of all layers, in float64: those of the references, and of the oracle.
_OF_REFERENCES, _OF_THE_ORACLE = 0.5, 4.5


def memory_of_steps(scene: Scene) -> Iterator[AtOnce]:
    """All references in float64 at once, then the oracle at the first size, then each group's rows at once."""
    request = scene.request
    interpreters = {(row.backend, row.python): row for row in request.rows}.values()
    for size in request.sizes:
        in_float64 = Group(size, "float64")
        rows = [replace(it, mode=BACKENDS[it.backend].modes[0], tile_px=None, group=in_float64) for it in interpreters]
        yield [_oracle_run(scene, _OF_REFERENCES, size), *(scene.transfer(row) for row in rows)]
    yield [_oracle_run(scene, _OF_THE_ORACLE, request.sizes[0])]
    for group in request.groups:
        yield [scene.transfer(row) for row in request.rows if row.group == group]


def _oracle_run(scene: Scene, copies: float, size: str) -> OracleRun:
    return OracleRun(scene.recipe_at(size), extent_of(scene.content.image), copies)
