"""The report: one tree of plain values, from which terminal, page, Markdown and JSON are made."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

from common.backend import BACKENDS
from common.comparison.agreement import Agreement
from common.comparison.measurement import QUIET
from common.comparison.published import published
from common.comparison.reporting.ranking import Environment, Group, RowReport

SCHEMA: Literal[4] = 4
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


@dataclass(frozen=True)
class Machine:
    """Where the rows ran; `gpu` is None where none of them ran on a GPU."""

    cpu: str
    cores: int
    memory_bytes: int
    system: str
    gpu: str | None


@dataclass(frozen=True)
class PictureFile:
    """A picture that was read: the file's name without its folder, and the checksum of its bytes."""

    name: str
    sha256: Sha256


@dataclass(frozen=True)
class WeightsUsed:
    """The network's weights; the checksum is of kernels and biases."""

    name: str
    sha256: Sha256
    licence: str


@dataclass(frozen=True)
class Network:
    """What decides how much there is to compute, besides the size."""

    style_taps: tuple[str, ...]
    content_taps: tuple[str, ...]
    pooling: str
    tv_form: str


@dataclass(frozen=True)
class Report:
    """What `compare.py` measured. Times are in seconds (_s), sizes are (height, width) in pixels (_px).

    `complete` is False after an interrupt; `commit` ends in +changes where files differ from it. `others_fraction` is
    the largest part of the machine's processor time that other processes took while a group was timed, and
    `algorithm` has every quantity by pairs of backends and against the float64 oracle.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="ignore")

    schema: Literal[4]
    created: datetime
    command: str
    complete: bool
    machine: Machine
    commit: str | None
    weights: WeightsUsed
    content: PictureFile
    style: PictureFile
    recipe: str
    network: Network
    seed: int
    device: str
    threads: int | None
    rounds: int
    others_fraction: float
    algorithm: tuple[Agreement, ...]
    groups: tuple[Group, ...]

    @property
    def rows(self) -> list[RowReport]:
        """The rows of all groups."""
        return [row for group in self.groups for row in group.rows]

    @published
    def agrees(self) -> bool:
        """Whether nothing that was compared differs."""
        return all(table.agrees for table in self.algorithm) and not any(row.disagrees for row in self.rows)

    @published
    def pairing(self) -> Literal["matched", "customary"]:
        """`matched`: all rows run the same optimizer; `customary`: each runs the one customary with its framework."""
        return "matched" if len({row.optimizer for row in self.rows}) == 1 else "customary"

    @property
    def timed(self) -> bool:
        """Whether any row was timed."""
        return any(row.evaluation is not None for row in self.rows)

    @property
    def evaluations_per_round(self) -> int:
        """The fewest evaluations that a row makes in a turn."""
        return min((group.evaluations_per_round for group in self.groups), default=0)

    @property
    def labels(self) -> dict[str, str]:
        """What to call each row, by its name."""
        return {row.name: row.label for row in self.rows}

    @property
    def title(self) -> str:
        """What was compared: the backends by their labels."""
        names = dict.fromkeys(row.backend for row in self.rows)
        labels = " and ".join(BACKENDS[name].label if name in BACKENDS else name for name in names)
        return f"VGG-19 style transfer: {labels}" if labels else "VGG-19 style transfer"

    @property
    def main_precision(self) -> str:
        """The precision that the comparison is about: float32 where any row has it, else that of the first group."""
        precisions = [group.precision for group in self.groups]
        return "float32" if "float32" in precisions or not precisions else precisions[0]

    @property
    def by_precision(self) -> list[Group]:
        """The groups, those of the main precision first."""
        return sorted(self.groups, key=lambda group: group.precision != self.main_precision)

    def note(self, group: Group) -> str:
        """What to say of a group of another precision; empty for the main one."""
        return "" if group.precision == self.main_precision else f"not ranked with {self.main_precision}"

    @property
    def disturbance(self) -> str:
        """A sentence when other processes took so much of the machine that the timings are not to be quoted."""
        if self.others_fraction <= QUIET:
            return ""
        taken = f"{self.others_fraction:.0%}"
        return f"Other processes took {taken} of the machine while the rows were timed: do not quote these timings."

    @property
    def verdict(self) -> str:
        """One sentence: whether all rows that were checked compute the same, and which do not."""
        checked = sum(row.agreement is not None for row in self.rows)
        if not self.agrees:
            return f"Something DISAGREES: {'; '.join(self._disagreeing)}."
        if not checked:
            return "No row has been checked against the oracle."
        count = len(self.rows) - checked
        rest = f"; {count} {'row' if count == 1 else 'rows'} not checked" if count else ""
        return f"All {'checked ' if count else ''}rows agree with the float64 oracle within tolerance{rest}."

    @property
    def _disagreeing(self) -> list[str]:
        rows = [f"{row.label} ({group.title})" for group in self.groups for row in group.rows if row.disagrees]
        tables = [table for table in self.algorithm if not table.agrees]
        names = [f"{table.precision}, {'x'.join(map(str, table.size_px))} px" for table in tables]
        return [*rows, *(f"the algorithm in {name}" for name in names)]

    @property
    def environments(self) -> list[tuple[list[str], Environment]]:
        """The different environments, each with the names of the rows that ran in it."""
        distinct: list[tuple[list[str], Environment]] = []
        for row in self.rows:
            names = next((names for names, environment in distinct if environment == row.environment), None)
            if names is not None:
                names.append(row.name)
            elif row.environment is not None:
                distinct.append(([row.name], row.environment))
        return distinct
