"""A port that gives its loss alone: at several pictures, the loss tells which terms have another weight."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from common.oracle import Case, losses, random_case
from common.problem import Problem
from common.tolerances import bounds_for

_SPARE = 4  # pictures more than terms: what is left of the fit tells whether it holds
_FIRST_SEED = 1000  # away from the pictures of the other examinations
_ROUNDING, _SIGMAS, _LEAST_OFF, _UNKNOWN = 1e-7, 6.0, 1e-3, 0.05


@dataclass(frozen=True)
class TermFactors:
    """By what each term is multiplied in a port's loss, with its uncertainty, and the largest relative rest."""

    factors: Mapping[str, tuple[float, float]]
    left: float
    pictures: int

    @property
    def sentence(self) -> str:
        """What the fit says, with its numbers."""
        if not self.left <= bounds_for("float32").losses:
            text = f"At {self.pictures} more pictures no factors of its terms make the loss: the best leave"
            return f"{text} {self.left:.1e}. A term itself differs, or one is missing here."
        unknown = [name for name, (_, sigma) in self.factors.items() if sigma > _UNKNOWN]
        by_factor: dict[str, list[str]] = {}
        for name, (factor, sigma) in self.factors.items():
            if _is_off(factor, sigma):
                seen = 0.0 if abs(factor) <= _SIGMAS * sigma else factor
                by_factor.setdefault(f"{seen:.3g}", []).append(name)
        off = [f"{factor} times {', '.join(names)}" for factor, names in by_factor.items()]
        text = f"At {self.pictures} more pictures the loss is the sum of the reference's terms"
        text += f" with {' and '.join(off)}, to {self.left:.1e}" if off else f" to {self.left:.1e}"
        return f"{text}; too small to be seen: {', '.join(unknown)}." if unknown else f"{text}."


def _is_off(factor: float, sigma: float) -> bool:
    return sigma <= _UNKNOWN and abs(factor - 1) > max(_LEAST_OFF, _SIGMAS * sigma)


def varied_cases(problem: Problem) -> list[Case]:
    """Random pictures at which the terms of the loss have different shares: from the content to the style."""
    count = len(_term_names(problem)) + _SPARE
    cases = []
    for number, share in enumerate(np.linspace(0, 1, count)):
        case = random_case(_FIRST_SEED + number, problem.recipe, problem.weights)
        mixed = (1 - share) * case.image + share * case.problem.style
        cases.append(Case(case.problem, case.content, case.style, np.asarray(mixed, np.float32)))
    return cases


def term_factors(cases: Sequence[Case], totals: Sequence[float]) -> TermFactors:
    """Fit a port's losses at some cases by factors of the reference's terms."""
    terms = [losses(case.image, case.problem).by_name() for case in cases]
    names = _term_names(cases[0].problem)
    sums = np.array([row["total"] for row in terms])
    shares = np.array([[row[name] for name in names] for row in terms]) / sums[:, None]
    wanted = np.asarray(totals, np.float64) / sums
    factors = np.linalg.lstsq(shares, wanted, rcond=None)[0]
    rest = shares @ factors - wanted
    noise = max(_ROUNDING, float(np.sqrt(np.sum(rest**2) / max(1, len(cases) - len(names)))))
    sigmas = noise * np.sqrt(np.diag(np.linalg.pinv(shares.T @ shares)))
    left = float(np.max(np.abs(rest) / np.maximum(np.abs(wanted), 1e-300)))
    each = {
        f"loss/{name.replace(' ', '/')}": (float(f), float(s))
        for name, f, s in zip(names, factors, sigmas, strict=True)
    }
    return TermFactors(each, left if np.isfinite(left) else np.inf, len(cases))


def _term_names(problem: Problem) -> list[str]:
    recipe = problem.recipe
    weighed = {"content": recipe.content_weight, "style": recipe.style_weight, "tv": recipe.tv_weight}
    kinds = [*(f"content {tap}" for tap in recipe.content_taps), *(f"style {tap}" for tap in recipe.style_taps)]
    names = [*kinds, "tv"] if recipe.tv_form != "none" else kinds
    return [name for name in names if weighed[name.split()[0]]]
