"""What a comparison found: on the terminal, as JSON, and as pictures."""

import json
import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from common.backend import BACKENDS
from common.comparison.agreement import Agreement
from common.comparison.machine import describe_machine
from common.comparison.pictures import save_grid
from common.comparison.plan import Plan
from common.comparison.timing import Timing
from common.errors import RosettaError
from common.images import replacing, save_image
from common.plots import save_loss_curves
from common.results import RunResult
from common.spec.recipe_json import recipe_to_json

SCHEMA = 1


@dataclass(frozen=True, eq=False)
class Report:
    """The agreement tables, and by backend the runs, their timings and the versions."""

    plan: Plan
    agreements: tuple[Agreement, ...]
    runs: Mapping[str, RunResult]
    timings: Mapping[str, Timing]
    versions: Mapping[str, Mapping[str, str]]

    @property
    def agrees(self) -> bool:
        """Whether every judged row of every table is within its bound."""
        return all(agreement.agrees for agreement in self.agreements)

    def to_json(self) -> dict[str, Any]:
        """Everything but the pictures, as plain JSON values."""
        weights = self.plan.problem().weights
        return {
            "schema": SCHEMA,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": shlex.join(["python", *sys.argv]),
            "agrees": self.agrees,
            "machine": describe_machine(),
            "weights": {"name": weights.name, "sha256": weights.sha256, "licence": weights.licence},
            "content": self.plan.names[0],
            "style": self.plan.names[1],
            "precision": self.plan.precision,
            "device": self.plan.device,
            "seed": self.plan.seed,
            "agreement": [agreement.to_json() for agreement in self.agreements],
            "backends": {name: self._backend_json(name) for name in self.runs},
        }

    def _backend_json(self, name: str) -> dict[str, Any]:
        return {
            "versions": dict(self.versions[name]),
            "recipe": recipe_to_json(self.plan.recipes[name]),
            "timing": self.timings[name].to_json(),
            "run": self.runs[name].to_json(),
        }

    def write(self, folder: Path) -> None:
        """Write report.json, pictures.png, losses.png and each backend's picture into a folder that exists."""
        problem = self.plan.run_problem()
        titles = {name: _title(name, self.plan) for name in self.runs}
        results = [(titles[name], run.image) for name, run in self.runs.items()]
        save_grid(folder / "pictures.png", [[("content", problem.content), ("style", problem.style), *results]])
        save_loss_curves(folder / "losses.png", {titles[name]: run.steps for name, run in self.runs.items()})
        for name, run in self.runs.items():
            save_image(folder / f"{name}.png", run.image)
        with replacing(folder / "report.json") as temporary:
            temporary.write_text(json.dumps(self.to_json(), indent=1))


def report_folder(name: str) -> Path:
    """The folder for a report, made if need be; raise RosettaError when it cannot be written into."""
    folder = Path(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RosettaError(f"cannot make the folder {name!r} ({error.strerror}): name another with --report") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise RosettaError(f"cannot write into the folder {name!r}: name another with --report")
    return folder


def _title(name: str, plan: Plan) -> str:
    return f"{BACKENDS[name].label}, {plan.recipes[name].stages[-1].optimizer.label}"
