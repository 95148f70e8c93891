"""What is computed: a problem with the files that its pictures come from and the image at which it is evaluated."""

from dataclasses import dataclass, replace
from functools import cached_property

from common.doctor.reference.pictures import Picture
from common.images import Image
from common.problem import Network, Pixels, Problem
from common.recipes import LBFGS, Adam, Coefficients


@dataclass(frozen=True, eq=False)
class Case:
    """A problem at its size, the pictures before they were resized, and the image where everything is evaluated."""

    problem: Problem
    content: Picture
    style: Picture
    image: Image
    adam: Adam
    lbfgs: LBFGS

    @cached_property
    def network(self) -> Network:
        """The network, made once, so that its kernels are converted once."""
        return self.problem.network

    @cached_property
    def network_in_its_own_unit(self) -> Network:
        """The same with the weights as they are in their file, whatever the recipe's family."""
        return replace(self.network, weights=self.problem.weights)

    @cached_property
    def coefficients(self) -> Coefficients:
        """The recipe's loss at this size."""
        return self.problem.coefficients

    @cached_property
    def pixels(self) -> Pixels:
        """The image as the optimised variable."""
        return self.problem.pixels(self.image)
