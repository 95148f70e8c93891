"""What a comparison found: ratios, curves, and the pictures with their differences."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

from common.comparison.agreement import Agreement
from common.comparison.measurement import Convergence, Ratio, common_loss, convergence_of, paired_ratio
from common.comparison.plan import Group, Request, Scene
from common.comparison.reporting.pictures import compare_pictures
from common.comparison.session import RowResult, Session
from common.images import Image

Values = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Report:
    """What was asked for and everything that a session found; `complete` is False after an interrupt."""

    request: Request
    scene: Scene
    algorithm: tuple[Agreement, ...]
    results: tuple[RowResult, ...]
    evaluations_per_round: int
    others_fraction: float
    complete: bool

    @classmethod
    def of(cls, session: Session, complete: bool) -> "Report":
        """What a session has found so far."""
        count = min(session.evaluations_per_round.values(), default=0)
        found = (session.algorithm, session.results, count, session.others_fraction)
        return cls(session.request, session.scene, *found, complete)

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
        return tuple(ratio for group in self.request.groups for ratio in _ratios(self.in_group(group)))

    @cached_property
    def against_fastest(self) -> dict[str, Ratio]:
        """Each ranked row's ratio to the fastest of its group, which has none itself."""
        slower = {ratio.row for ratio in self.ratios}
        return {ratio.row: ratio for ratio in self.ratios if ratio.to not in slower}

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
        losses = {group: common_loss(self._ranked_curves(group)) for group in self.request.groups}
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
        group = self.request.groups[0]
        first = self.scene.problem_at(group.precision, group.size)
        named = {self.files[it.row.name]: it.run.image for it in self.results if it.run is not None}
        heat_maps = {name: image for name, image, _ in self.differences}
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
    def differences(self) -> list[tuple[str, Image, Values]]:
        """Every row's picture against the first one of its group: the heat map's file name and picture, and numbers."""
        found = []
        for group in self.request.groups:
            finished = [(it.row.name, it.run.image) for it in self.in_group(group) if it.run is not None]
            found += [self._difference(*other, *finished[0]) for other in finished[1:]]
        return found

    def _difference(self, row: str, image: Image, to: str, to_image: Image) -> tuple[str, Image, Values]:
        name = f"{self.files[row].removesuffix('.png')}-and-{self.files[to]}"
        difference = compare_pictures(image, to_image)
        values = {"row": row, "to": to, "psnr_db": difference.psnr_db, "ssim": difference.ssim, "heat_map": name}
        return name, difference.heat_map, values


def _slug(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in ".-_" else "-" for letter in name).strip(".")


def _ratios(results: Sequence[RowResult]) -> list[Ratio]:
    timed = {result.row.name: result.timing for result in results if result.ranked}
    by_speed = sorted(((name, timing) for name, timing in timed.items() if timing), key=lambda it: it[1].median_s)
    pairs = combinations(by_speed, 2)
    ratios = [paired_ratio(slow, slower.rounds_s, fast, it.rounds_s) for (fast, it), (slow, slower) in pairs]
    return [ratio for ratio in ratios if ratio is not None]
