"""Which faults are tried on a tensor: those of the layers and stages that no tensor before has shown to be right."""

from collections.abc import Sequence
from dataclasses import dataclass

from common.doctor.diagnosis.findings import Clue
from common.doctor.diagnosis.judge import Judge
from common.doctor.hypotheses import Fault, of_all_layers, of_one_layer
from common.tensors import STAGES, Stage, TensorName
from common.vgg19 import NAMES, cut

_AT_TAPS = ("features", "gram", "target/content", "target/style", "loss/content", "loss/style")
_OF_THE_NETWORK = range(STAGES.index("taps"), STAGES.index("optimizer"))


@dataclass(frozen=True, eq=False)
class Candidates:
    """The faults to try on a tensor that is wrong by a judge, among the port's tensors in order.

    `in_vain` says that all were tried without success on a tensor of its kind.
    """

    name: str
    names: Sequence[str]
    judge: Judge
    in_vain: bool

    def of_traps(self, hypotheses: Sequence[Fault], clue: Clue | None) -> list[Fault]:
        """The faults of traps; where a claim fits, those alone that the tensors before do not exclude."""
        stages, layers = self._stages(clue), self._layers_before()
        concerned = (fault for fault in hypotheses if fault.stage in stages)
        return [fault for fault in concerned if fault.layer is None or fault.layer in layers]

    def of_layers(self) -> list[Fault]:
        """What ports put in the place of layers."""
        if STAGES.index(self._parsed.stage) not in _OF_THE_NETWORK:
            return []
        network, taps, layers = self.judge.own.network, self.judge.own.taps, self._layers_before()
        if self._parsed.kind != "features":
            layers -= self._shown_right()
        alone = of_one_layer(network, [each for each in cut(taps) if each.name in layers])
        return [*of_all_layers(network, taps), *alone]

    @property
    def _parsed(self) -> TensorName:
        return TensorName.parse(self.name)

    def _stages(self, clue: Clue | None) -> Sequence[Stage]:
        parsed = self._parsed
        stages = STAGES[: STAGES.index(parsed.stage) + 1]
        # A trap before the optimizers would have shown in the gradient; each costs dozens of evaluations here.
        if parsed.stage == "optimizer" and "gradient/pixels" in self.judge.given:
            return (parsed.stage,)
        if self.in_vain:
            return ("network", "taps") if parsed.stage == "taps" else (parsed.stage,)
        if clue is None or parsed.kind == "features":
            return stages
        shown = f"features/{parsed.tap}" if parsed.tap else "loss/total" if parsed.stage == "gradient" else ""
        if shown not in self.judge.given and self.name != "loss/total":
            return stages
        late = [stage for stage in stages if STAGES.index(stage) > STAGES.index("taps")]
        return ["resize", *late] if parsed.kind == "target/style" else late

    def _layers_before(self) -> set[str]:
        """The layers that the tensor is computed by from what is given before it."""
        if self._parsed.kind != "features":
            return set(NAMES)
        index = NAMES.index(self._parsed.tap)
        given = (at for at in range(index - 1, -1, -1) if f"features/{NAMES[at]}" in self.judge.given)
        return set(NAMES[next(given, -1) + 1 : index + 1])

    def _shown_right(self) -> set[str]:
        """The layers down to the deepest tap at which another tensor is right, and those below the tensor's own."""
        parsed = [TensorName.parse(name) for name in self.names if not self.judge.is_wrong(name)]
        deepest = max((NAMES.index(it.tap) for it in parsed if it.kind in _AT_TAPS), default=-1)
        below = NAMES.index(self._parsed.tap) + 1 if self._parsed.tap else len(NAMES)
        return {*NAMES[: deepest + 1], *NAMES[below:]}
