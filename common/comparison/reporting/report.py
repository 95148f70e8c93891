"""The report: one tree of plain values, from which terminal, page and Markdown are made; to JSON and from JSON."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core.core_schema import DataclassSchema

from common.backend import BACKENDS
from common.comparison.agreement import Agreement
from common.comparison.measurement import QUIET
from common.comparison.published import published, where
from common.comparison.reporting.rows import Environment, Group, RowReport
from common.errors import RosettaError, one_line
from common.input_files import read_json

SCHEMA: Literal[4] = 4
_MOST_NAMED = 3
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
        labels = [BACKENDS[name].label if name in BACKENDS else name for name in names]
        in_words = " and ".join(filter(None, (", ".join(labels[:-1]), *labels[-1:])))
        return f"VGG-19 style transfer: {in_words}" if labels else "VGG-19 style transfer"

    @property
    def main_precision(self) -> str:
        """The precision that the comparison is about: float32 where any row has it, else that of the first group."""
        return min((group.precision for group in self.groups), key=lambda it: it != "float32", default="float32")

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
        """One sentence: how many rows compute the same as the oracle, and which do not or were not checked."""
        if not self.agrees:
            tables = [table for table in self.algorithm if not table.agrees]
            wrong = self._named(lambda row: row.disagrees)
            wrong += [f"the algorithm in {where(table.precision, table.size_px)}" for table in tables]
            return f"Something DISAGREES: {'; '.join(wrong)}."
        unchecked = self._named(lambda row: row.agreement is None)
        if not unchecked:
            return "All rows agree with the float64 oracle within tolerance."
        of_all, checked = len(self.rows), len(self.rows) - len(unchecked)
        if not checked:
            return "No row has been checked against the oracle."
        agree = f"{checked} of {of_all} rows {'agrees' if checked == 1 else 'agree'} with the float64 oracle"
        rest = f" and {len(unchecked) - _MOST_NAMED} more" if len(unchecked) > _MOST_NAMED else ""
        return f"{agree} within tolerance; not checked: {', '.join(unchecked[:_MOST_NAMED])}{rest}."

    def _named(self, is_meant: Callable[[RowReport], bool]) -> list[str]:
        return [f"{row.label} ({group.title})" for group in self.groups for row in group.rows if is_meant(row)]

    @property
    def environments(self) -> list[tuple[list[str], Environment]]:
        """The different environments, each with the names of the rows that ran in it."""
        ran = [(row.name, row.environment) for row in self.rows if row.environment is not None]
        distinct = [env for place, (_, env) in enumerate(ran) if env not in (it for _, it in ran[:place])]
        return [([name for name, its in ran if its == environment], environment) for environment in distinct]


_ADAPTER = TypeAdapter(Report)


class _Strict(GenerateJsonSchema):
    """A schema that allows no key but those that are written, and repeats no name as a title."""

    def dataclass_schema(self, schema: DataclassSchema) -> dict[str, Any]:
        return {**super().dataclass_schema(schema), "additionalProperties": False}

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False


def report_to_json(report: Report) -> str:
    """The whole report as JSON; null is what was not measured, or is not finite."""
    return _ADAPTER.dump_json(report, indent=1).decode("utf-8", "replace")


def read_report(path: Path) -> Report:
    """Read what `report_to_json` wrote; raise RosettaError for anything else."""
    try:
        return _ADAPTER.validate_json(json.dumps(read_json(path)), strict=True)
    except OSError as error:
        raise RosettaError(f"cannot read {str(path)!r} ({one_line(error)})") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the whole"
        raise RosettaError(f"{str(path)!r} is no report of schema {SCHEMA} ({place}: {first['msg']})") from None
    except ValueError as error:  # which is no JSON, or not one
        raise RosettaError(f"{str(path)!r} is no report ({one_line(error)})") from None


def report_schema() -> str:
    """The JSON schema of a report, strict: every key is required, and no other is allowed."""
    schema = _ADAPTER.json_schema(mode="serialization", schema_generator=_Strict)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps({**head, **schema, "title": f"style-rosetta's report.json, schema {SCHEMA}"}, indent=1) + "\n"
