"""Traps of preprocessing, 1 to 5, 26 and 35: mostly other affine maps, which the weights' `preprocessing` brings."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from common.oracle.case import Case
from common.vgg19.preprocessing import IMAGENET, UNIT, Preprocessing, Triple
from faulty_ports.planting import Broken, Plant, Port

Change = Callable[[Preprocessing], Preprocessing]


def _triple(values: np.ndarray) -> Triple:
    red, green, blue = (float(value) for value in values)
    return red, green, blue


def _between(change: Change) -> Plant:
    """The optimized variable is right, and the network is given something else."""
    return lambda port: port.with_weights(preprocessing=change(port.problem.weights.preprocessing))


def _in_the_variable(change: Change) -> Plant:
    """The optimized variable is the network's input, and both are wrong."""

    def plant(port: Port) -> Port:
        wrong = change(port.problem.weights.preprocessing)
        return port.with_weights(preprocessing=wrong).with_recipe(pixel_space=wrong)

    return plant


def _unordered(right: Preprocessing) -> Preprocessing:
    return replace(right, bgr=not right.bgr)


def _swapped(right: Preprocessing) -> Preprocessing:
    return replace(right, mean=right.mean[::-1])


def _bgr_in(right: Preprocessing) -> Preprocessing:
    """BGR goes through the right steps: each mean and deviation meets the other channel."""
    return replace(right, mean=right.mean[::-1], std=right.std[::-1], bgr=not right.bgr)


def _scaled(scale: float) -> Change:
    return lambda right: replace(right, scale=scale)


def _divided(std: Triple) -> Change:
    return lambda right: replace(right, std=std)


def _twice(right: Preprocessing) -> Preprocessing:
    """((s x - m) / d - m) / d; a second reversal of the channels undoes the first, but not what was subtracted."""
    mean, std = np.asarray(right.mean), np.asarray(right.std)
    again = mean[::-1] if right.bgr else mean
    return replace(right, mean=_triple(mean + std * again), std=_triple(std * std), bgr=False)


def _means_twice(right: Preprocessing) -> Preprocessing:
    return replace(right, mean=_triple(2 * np.asarray(right.mean)))


def _of_255(case: Case) -> bool:
    return case.problem.weights.preprocessing.scale == 255


def _of_1(case: Case) -> bool:
    return not _of_255(case)


def _is_the_variable(case: Case) -> bool:
    return _of_255(case) and case.problem.recipe.pixel_space == case.problem.network.weights.preprocessing


def _flipped_inputs(port: Port) -> Port:
    kernels = port.problem.weights.kernels_hwio
    return port.with_weights(kernels_hwio={**kernels, "conv1_1": kernels["conv1_1"][:, :, ::-1].copy()})


def _variable_is(space: Preprocessing) -> Plant:
    return lambda port: port.with_recipe(pixel_space=space)


def _own_unit(port: Port) -> Port:
    return port.with_recipe(family=port.problem.weights.family)


def _of_another_family(case: Case) -> bool:
    return case.problem.weights.family != case.problem.recipe.family


_DEVIATIONS_255 = _triple(255 * np.asarray(IMAGENET.std))
_NONE = (1.0, 1.0, 1.0)

INPUTS = (
    Broken(1, "channels not brought into the checkpoint's order", _between(_unordered), ("channels",)),
    Broken(1, "the right steps on BGR", _between(_bgr_in), ("channels",)),
    Broken(1, "a kernel for BGR fed with RGB", _flipped_inputs, ("channels", "kernels")),
    Broken(1, "RGB in the variable too", _in_the_variable(_unordered), ("channels",), _is_the_variable),
    Broken(2, "means swapped", _between(_swapped), ("channels",)),
    Broken(2, "means swapped in the variable too", _in_the_variable(_swapped), ("channels",), _is_the_variable),
    Broken(3, "RGB in 0..1 to a network of 0..255", _between(_scaled(1.0)), ("scale",), _of_255),
    Broken(3, "times 256", _between(_scaled(256.0)), ("scale",), _of_255),
    Broken(3, "times 256 in the variable too", _in_the_variable(_scaled(256.0)), ("scale",), _is_the_variable),
    Broken(3, "RGB in 0..255 to a network of 0..1", _between(_scaled(255.0)), ("scale",), _of_1),
    Broken(4, "deviations forgotten", _between(_divided(_NONE)), fits=_of_1),
    Broken(4, "deviations forgotten, in 0..255", _between(_divided(_triple(np.ones(3) / 255))), fits=_of_1),
    Broken(4, "deviations of 0..255 applied to Oxford's", _between(_divided(_DEVIATIONS_255)), fits=_of_255),
    Broken(4, "deviations of 0..1 applied to Oxford's", _between(_divided(IMAGENET.std)), fits=_of_255),
    Broken(5, "everything twice", _between(_twice), ("channels", "means")),
    Broken(5, "means subtracted twice", _between(_means_twice), ("means",), _of_255),
    Broken(26, "a variable of RGB in 0..1", _variable_is(UNIT), ("variable",)),
    Broken(26, "a variable of RGB in 0..255", _variable_is(UNIT.divided_by(1 / 255)), ("variable",)),
    Broken(35, "weights in their own unit", _own_unit, ("unit",), _of_another_family),
)
