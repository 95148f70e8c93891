"""Which faults are tried on a tensor: those of the layers and stages that no tensor before has shown to be right."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from common.doctor.diagnosis.findings import Clue
from common.doctor.diagnosis.judge import Judge
from common.doctor.hypotheses import (
    Fault,
    of_all_layers,
    of_exchanged_layers,
    of_grams,
    of_one_layer,
    of_the_gradient,
    other_layers,
)
from common.tensors import STAGES, Stage, TensorName
from common.vgg19 import NAMES, cut, shape_at

_AT_TAPS = ("features", "gram", "target/content", "target/style", "loss/content", "loss/style")
_OF_THE_IMAGE = ("features/", "gram/", "loss/content/", "loss/style/")
_OF_THE_NETWORK = range(STAGES.index("taps"), STAGES.index("optimizer"))


@dataclass(frozen=True, eq=False)
class Candidates:
    """The faults to try on a tensor that is wrong by a judge, among the port's tensors in order.

    `in_vain` says that all were tried without success on a tensor of its kind; the tensors `multiplied` are what is
    right times a known factor.
    """

    name: str
    names: Sequence[str]
    judge: Judge
    in_vain: bool = False
    multiplied: Collection[str] = ()

    def of_traps(self, hypotheses: Sequence[Fault], clue: Clue | None) -> list[Fault]:
        """The faults of traps; where a claim fits, those alone that the tensors before do not exclude."""
        stages, layers = self._stages(clue), self._layers_before()
        concerned = [fault for fault in hypotheses if fault.stage in stages]
        if self._parsed.kind == "target/content":
            concerned += self._of_the_shape()
        moved = [fault for fault in concerned if fault.stage == "taps"]
        by_taps = self.judge.variant.taps and not self.judge.variant.own_names
        if self._maps_are_given and self._parsed.kind != "features" and not by_taps:
            concerned += [_changed(fault, own_names=True) for fault in moved]
        if self._parsed.stage in ("loss", "gradient"):
            sizes = [fault for fault in concerned if fault.stage == "taps" or "ceil_pooling" in fault.changes]
            concerned += [_changed(fault, own_sizes=True) for fault in sizes]
        if self._parsed.kind.startswith("target/"):
            concerned += _of_pictures(self._parsed.role, concerned)
        return [fault for fault in concerned if fault.layer is None or fault.layer in layers]

    def _of_the_shape(self) -> list[Fault]:
        """The content tap at every layer whose map has the shape that was handed over, where that is another shape."""
        shape, image = self.judge.given[self.name].shape, self.judge.own.case.problem.content.shape
        if shape == self.judge.own.expected(self.name).shape:
            return []
        tap, trap = self._parsed.tap, other_layers.number
        layers = [name for name in NAMES if name != tap and shape_at(name, (image[0], image[1])) == shape]
        return [Fault("taps", f"{tap} is {it}", {"taps": {tap: it}}, rank=1, trap=trap) for it in layers]

    def nearest_wrong(self, names: Sequence[str]) -> str:
        """The wrong tensor of the first tap in the network, or the tensor itself: a feature map, or where none is.

        What takes a layer's place is wrong there too, and a few layers cost less than all.
        """
        if self._parsed.kind == "features":
            return self.name
        at_taps = [name for name in names if TensorName.parse(name).kind in _AT_TAPS and self.judge.is_wrong(name)]
        return min(at_taps, key=depth, default=self.name)

    def right_before(self) -> list[str]:
        """The tensors at taps that show that layers before its own are right, the nearest to the picture first.

        Those whose feature map is handed over show nothing.
        """
        if self._parsed.kind == "features":
            return []
        own = depth(self.name)
        multiplied = {it for it in self.multiplied if TensorName.parse(it).kind in _AT_TAPS}
        showing = {*self._right_at_taps(), *multiplied}
        computed = (it for it in showing if f"features/{TensorName.parse(it).tap}" not in self.judge.used)
        return sorted((it for it in computed if depth(it) <= own), key=lambda name: (depth(name), name))

    def of_functions(self) -> list[Fault]:
        """What ports compute in the place of layers and Gram matrices."""
        # Of large pictures, the maps of layers that keep their size would fill the memory.
        if STAGES.index(self._parsed.stage) not in _OF_THE_NETWORK or not self.judge.own.case.is_small:
            return []
        of_gradient = list(of_the_gradient(self.judge.own.network.pooling)) if self._parsed.stage == "gradient" else []
        if of_gradient and self._is_right("loss/total"):
            return of_gradient
        network, taps, layers = self.judge.own.network, self.judge.own.taps, self._layers_before()
        if self._parsed.kind != "features":
            layers -= self._shown_right()
        suspected = [each for each in cut(taps) if each.name in layers]
        everywhere = [fault for fault in of_all_layers(network, taps) if fault.differs_from in layers]
        apart = (*of_exchanged_layers(network, suspected), *of_one_layer(network, suspected))
        return [*of_gradient, *self._of_grams(), *everywhere, *apart]

    def _of_grams(self) -> list[Fault]:
        """The forms of Gram matrices, where these are used and not handed over."""
        handed = any(TensorName.parse(name).kind == "gram" for name in self.judge.given)
        return [] if handed or self._parsed.is_forward or "content" in self._parsed.kind else list(of_grams())

    @property
    def _maps_are_given(self) -> bool:
        return any(name.startswith(("features/", "gradient/features/")) for name in self.judge.used)

    @property
    def _parsed(self) -> TensorName:
        return TensorName.parse(self.name)

    def _stages(self, clue: Clue | None) -> Sequence[Stage]:
        parsed = self._parsed
        # A trap before the optimizers would have shown in the gradient; each costs dozens of evaluations here.
        if parsed.stage == "optimizer" and "gradient/pixels" in self.judge.given:
            return (parsed.stage,)
        if self.in_vain:
            return ("network", "taps") if parsed.stage == "taps" else (parsed.stage,)
        excluded = self._stages_shown_right()
        stages = [stage for stage in STAGES[: STAGES.index(parsed.stage) + 1] if stage not in excluded]
        if clue is None or parsed.kind == "features":
            return stages
        shown = f"features/{parsed.tap}" if parsed.tap else "loss/total" if parsed.stage == "gradient" else ""
        if shown not in self.judge.used and self.name != "loss/total":
            return stages
        first = STAGES.index("taps") + (not self._maps_are_given)
        late = [stage for stage in stages if STAGES.index(stage) >= first]
        return ["resize", *late] if parsed.kind == "target/style" else late

    def _stages_shown_right(self) -> Sequence[Stage]:
        """The stages of which a right tensor says that nothing is wrong there.

        Beside a right loss, a gradient can be in another unit than the recipe's, which the stage of the input decides.
        """
        parsed = self._parsed
        if parsed.stage == "gradient" and self._is_right("loss/total"):
            return [stage for stage in STAGES if stage not in ("input", "gradient")]
        deeper = [it for it in self._right_at_taps() if it.startswith(_OF_THE_IMAGE)]
        if parsed.kind in ("loss/style", "gram") and any(depth(it) >= NAMES.index(parsed.tap) for it in deeper):
            return ("input", "network")
        return ()

    def _is_right(self, name: str) -> bool:
        """Whether a tensor is handed over, and what the reference makes of the pictures."""
        judge = self.judge
        return name in judge.given and judge.from_reference(name).relative <= judge.tolerance(name)

    def _layers_before(self) -> set[str]:
        """The layers that the tensor is computed by from what is given before it."""
        if self._parsed.kind != "features":
            return set(NAMES)
        index = NAMES.index(self._parsed.tap)
        given = (at for at in range(index - 1, -1, -1) if f"features/{NAMES[at]}" in self.judge.used)
        return set(NAMES[next(given, -1) + 1 : index + 1])

    def _right_at_taps(self) -> list[str]:
        """The tensors at taps that are what the reference makes of the pictures."""
        at_taps = [name for name in self.names if TensorName.parse(name).kind in _AT_TAPS]
        return [name for name in at_taps if self._is_right(name)]

    def _shown_right(self) -> set[str]:
        """The layers down to the deepest tap at which another tensor is right, and those below the tensor's own."""
        deepest = max(map(depth, self._right_at_taps()), default=-1)
        below = NAMES.index(self._parsed.tap) + 1 if self._parsed.tap else len(NAMES)
        return {*NAMES[: deepest + 1], *NAMES[below:]}


def _changed(fault: Fault, **changes: bool) -> Fault:
    """A fault in a port that names its feature maps by layers, or takes its factors from the sizes of its maps."""
    return replace(fault, changes={**fault.changes, **changes})


def _of_pictures(role: str, faults: Iterable[Fault]) -> list[Fault]:
    """The faults between RGB and the network's input, in both pictures or the targets' alone, but not in the image."""
    concerned = [
        fault
        for fault in faults
        if fault.stage == "input" and not fault.changes.keys() & {"in_pixels", "own_unit", "space"}
    ]
    return [
        replace(fault, detail=f"{fault.detail}: {whose}, not the image", changes={**fault.changes, "pictures": roles})
        for roles, whose in (((role,), f"the {role} picture"), (("content", "style"), "both pictures"))
        for fault in concerned
    ]


def depth(name: str) -> int:
    """Where a tensor's tap stands in the network; what has none is of all taps."""
    tap = TensorName.parse(name).tap
    return NAMES.index(tap) if tap else len(NAMES)
