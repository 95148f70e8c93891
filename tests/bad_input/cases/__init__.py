"""All cases, a file for each class; a name in a class stands once."""

from bad_input.case import Case
from bad_input.cases import (
    baselines,
    bundles,
    checkpoints,
    commands,
    names,
    options,
    outputs,
    pictures,
    ports,
    rows,
    tensors,
    weights,
)

CLASSES = (pictures, names, weights, options, commands, rows, bundles, tensors, ports, baselines, checkpoints, outputs)


def all_cases() -> list[Case]:
    """Every case; their names differ."""
    found = [case for each in CLASSES for case in each.cases()]
    if len({case.name for case in found}) < len(found):
        names_ = [case.name for case in found]
        raise ValueError(f"these stand twice: {sorted({name for name in names_ if names_.count(name) > 1})}")
    return found
