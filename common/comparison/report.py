"""What a comparison found, as plain JSON values and as the pictures that belong to them."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import combinations
from typing import Any

from common.comparison.agreement import Agreement
from common.comparison.convergence import Convergence, common_loss, convergence_of
from common.comparison.machine import commit, describe_machine
from common.comparison.picture_difference import compare_pictures
from common.comparison.plan import Plan
from common.comparison.row_result import RowResult
from common.comparison.rows import Group
from common.comparison.session import Session, Settings
from common.comparison.timing import Ratio, paired_ratio
from common.images import Image

SCHEMA = 2
Values = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Report:
    """The settings and everything that a session found; `complete` is False after an interrupt."""

    plans: Mapping[Group, Plan]
    settings: Settings
    algorithm: tuple[Agreement, ...]
    results: tuple[RowResult, ...]
    evaluations_per_round: int
    complete: bool

    @classmethod
    def of(cls, session: Session, complete: bool) -> "Report":
        """What a session has found so far."""
        count = min(session.evaluations_per_round.values(), default=0)
        return cls(session.plans, session.settings, session.algorithm, session.results, count, complete)

    @property
    def agrees(self) -> bool:
        """Whether nothing that was compared differs."""
        tables = all(agreement.agrees for agreement in self.algorithm)
        return tables and not any(result.disagrees for result in self.results)

    @property
    def measured_anything(self) -> bool:
        """Whether at least one row was timed."""
        return any(result.timing is not None for result in self.results)

    @property
    def pairing(self) -> str:
        """`matched` when all rows run the same optimiser, `customary` when each runs its framework's."""
        return "matched" if len({result.optimizer for result in self.results}) == 1 else "customary"

    @cached_property
    def ratios(self) -> tuple[Ratio, ...]:
        """Every two ranked rows of a group, the slower one first."""
        return tuple(ratio for group in self.plans for ratio in _ratios(self.in_group(group)))

    @cached_property
    def curves(self) -> dict[str, Convergence]:
        """The convergence of every row that was run to the end."""
        return {
            result.row.name: convergence_of(result.run, result.phases["first_evaluation_s"])
            for result in self.results
            if result.run is not None
        }

    @cached_property
    def common_losses(self) -> dict[Group, float]:
        """By group, the best loss that all rows reach which agree."""
        losses = {group: common_loss(self._ranked_curves(group)) for group in self.plans}
        return {group: loss for group, loss in losses.items() if loss is not None}

    def in_group(self, group: Group) -> list[RowResult]:
        """The rows of a group."""
        return [result for result in self.results if result.row.group == group]

    def _ranked_curves(self, group: Group) -> dict[str, Convergence]:
        ranked = [result.row.name for result in self.in_group(group) if result.ranked]
        return {name: self.curves[name] for name in ranked if name in self.curves}

    @cached_property
    def pictures(self) -> dict[str, Image]:
        """The pictures by the names that the JSON values give them, the heat maps among them."""
        first = next(iter(self.plans.values())).run_problem()
        named = {self.files[it.row.name]: it.run.image for it in self.results if it.run is not None}
        heat_maps = {name: image for name, image, _ in self._differences}
        return {"content": first.content, "style": first.style, **named, **heat_maps}

    @cached_property
    def files(self) -> dict[str, str]:
        """A file name for each row's picture; rows whose names differ in odd letters alone get a number."""
        names: dict[str, str] = {}
        for result in self.results:
            slug = _slug(result.row.name)
            taken = sum(name.startswith(slug) for name in names.values())
            names[result.row.name] = f"{slug}-{taken + 1}.png" if f"{slug}.png" in names.values() else f"{slug}.png"
        return names

    @cached_property
    def _differences(self) -> list[tuple[str, Image, Values]]:
        """Every row's picture against the first one of its group."""
        found = []
        for group in self.plans:
            finished = [(it.row.name, it.run.image) for it in self.in_group(group) if it.run is not None]
            found += [self._difference(*other, *finished[0]) for other in finished[1:]]
        return found

    def _difference(self, row: str, image: Image, to: str, to_image: Image) -> tuple[str, Image, Values]:
        name = f"{self.files[row].removesuffix('.png')}-and-{self.files[to]}"
        difference = compare_pictures(image, to_image)
        values = {"row": row, "to": to, "psnr_db": difference.psnr_db, "ssim": difference.ssim, "heat_map": name}
        return name, difference.heat_map, values

    def to_json(self) -> Values:
        """Everything but the pictures, as plain JSON values; `report.schema.json` describes them."""
        plan = next(iter(self.plans.values()))
        weights = plan.problem().weights
        gpus = [result.environment.get("gpu") for result in self.results if result.environment]
        return {
            "schema": SCHEMA,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": shlex.join(["python", *sys.argv]),
            "complete": self.complete,
            "agrees": self.agrees,
            "machine": {**describe_machine(), "gpu": next(filter(None, gpus), None)},
            "commit": commit(),
            "weights": {"name": weights.name, "sha256": weights.sha256, "licence": weights.licence},
            "content": plan.names[0],
            "style": plan.names[1],
            "recipe": plan.recipe.name,
            "seed": plan.seed,
            "device": plan.device,
            "threads": self.settings.threads,
            "rounds": self.settings.rounds,
            "evaluations_per_round": self.evaluations_per_round,
            "pairing": self.pairing,
            "algorithm": [agreement.to_json() for agreement in self.algorithm],
            "rows": [self._row_json(result) for result in self.results],
            "ratios": [{**asdict(ratio), "verdict": ratio.verdict} for ratio in self.ratios],
            "common_losses": [
                {"precision": group.precision, "size_px": list(self.in_group(group)[0].size_px), "loss": loss}
                for group, loss in self.common_losses.items()
            ],
            "differences": [values for _, _, values in self._differences],
        }

    def _row_json(self, result: RowResult) -> Values:
        row, timing, limit = result.row, result.timing, result.limit
        return {
            "name": row.name,
            "label": row.label,
            "backend": row.backend,
            "mode": row.mode,
            "precision": row.group.precision,
            "size_px": list(result.size_px),
            "optimizer": result.optimizer,
            "status": result.status,
            "why": result.why,
            "ranked": result.ranked,
            "agreement": result.agreement and result.agreement.to_json(),
            "environment": result.environment,
            "phases": result.all_phases,
            "evaluation": timing and {**asdict(timing), "noisy": timing.noisy},
            "limit": limit and {**asdict(limit), "fraction": limit.fraction},
            "memory": result.memory and asdict(result.memory),
            "convergence": self._convergence_json(result),
            "picture": None if result.run is None else self.files[row.name],
        }

    def _convergence_json(self, result: RowResult) -> Values | None:
        curve, loss = self.curves.get(result.row.name), self.common_losses.get(result.row.group)
        if curve is None:
            return None
        evaluations, seconds = (None if loss is None else curve.reach(loss)) or (None, None)
        return {
            **asdict(curve),
            "best_loss": curve.best_loss,
            "evaluations_to_common": evaluations,
            "seconds_to_common": seconds,
        }


def _slug(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in ".-_" else "-" for letter in name).strip(".")


def _ratios(results: Sequence[RowResult]) -> list[Ratio]:
    timed = {result.row.name: result.timing for result in results if result.ranked}
    by_speed = sorted(((name, timing) for name, timing in timed.items() if timing), key=lambda it: it[1].median_s)
    pairs = combinations(by_speed, 2)
    ratios = [paired_ratio(slow, slower.rounds_s, fast, it.rounds_s) for (fast, it), (slow, slower) in pairs]
    return [ratio for ratio in ratios if ratio is not None]
