"""A report as plain JSON values."""

import math
import shlex
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from common.comparison.reporting.provenance import commit, describe_machine
from common.comparison.reporting.report import Report
from common.comparison.session import RowResult
from common.recipes import Recipe

SCHEMA = 3
Values = dict[str, Any]


def report_to_json(report: Report) -> Values:
    """Everything but the pictures, as plain JSON values; `report.schema.json` describes them."""
    return dict(_finite({**_circumstances(report), **_findings(report)}))


def _circumstances(report: Report) -> Values:
    request, scene, weights = report.request, report.scene, report.scene.weights
    gpus = [result.environment.get("gpu") for result in report.results if result.environment]
    return {
        "schema": SCHEMA,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join(["python", *sys.argv]),
        "complete": report.complete,
        "agrees": report.agrees,
        "machine": {**describe_machine(), "gpu": next(filter(None, gpus), None)},
        "commit": commit(),
        "weights": {"name": weights.name, "sha256": weights.sha256, "licence": weights.licence},
        "content": str(scene.content.path),
        "style": str(scene.style.path),
        "recipe": scene.recipe.name,
        "network": _network_json(scene.recipe),
        "seed": request.seed,
        "device": request.device,
        "threads": request.threads,
        "others_fraction": report.others_fraction,
        "rounds": request.rounds,
        "evaluations_per_round": report.evaluations_per_round,
        "pairing": report.pairing,
    }


def _findings(report: Report) -> Values:
    return {
        "algorithm": [agreement.to_json() for agreement in report.algorithm],
        "rows": [_row_json(report, result) for result in report.results],
        "ratios": [{**asdict(ratio), "verdict": ratio.verdict} for ratio in report.ratios],
        "common_losses": [
            {"precision": group.precision, "size_px": list(report.in_group(group)[0].size_px), "loss": loss}
            for group, loss in report.common_losses.items()
        ],
        "differences": [values for _, _, values in report.differences],
    }


def _row_json(report: Report, result: RowResult) -> Values:
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
        "convergence": _convergence_json(report, result),
        "picture": None if result.run is None else report.files[row.name],
    }


def _convergence_json(report: Report, result: RowResult) -> Values | None:
    curve, loss = report.curves.get(result.row.name), report.common_losses.get(result.row.group)
    if curve is None:
        return None
    evaluations, seconds = (None if loss is None else curve.reach(loss)) or (None, None)
    return {
        **asdict(curve),
        "best_loss": curve.best_loss,
        "evaluations_to_common": evaluations,
        "seconds_to_common": seconds,
    }


def _network_json(recipe: Recipe) -> Values:
    """What decides how much there is to compute, besides the size."""
    taps = {"style_taps": list(recipe.style_taps), "content_taps": list(recipe.content_taps)}
    return {**taps, "pooling": recipe.pooling, "tv_form": recipe.tv_form}


def _finite(values: Any) -> Any:
    """The same with null for what JSON has no number for."""
    if isinstance(values, dict):
        return {name: _finite(value) for name, value in values.items()}
    if isinstance(values, list | tuple):
        return [_finite(value) for value in values]
    return None if isinstance(values, float) and not math.isfinite(values) else values
