"""Sample reports, made by the code from sessions whose measurements are known: rows of every status, hostile names."""

import json
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter
from rich.console import Console

from common.backend import BACKENDS
from common.comparison import Request, Row, Scene
from common.comparison.agreement import Agreement, Check, Explanation, Quantity, RowAgreement
from common.comparison.measurement import Limit
from common.comparison.reporting import Report, report_of, report_schema
from common.comparison.row_runner import Memory, RowResult
from common.oracle import Flips
from common.results import LossTerms, RunResult, Step

SCHEMA = json.loads(report_schema())
VALIDATOR = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)
ADAPTER = TypeAdapter(Report)
SIZE, SMALL = (170, 256), (37, 50)
HOSTILE = (
    '<script>document.title="owned"</script>.png',
    '"><img src=x onerror=alert(1)>',
    "</script><svg onload=alert(1)>`|`\n\n# $\\frac{$ @octocat {{ 7*7 }}",
)
MODES = tuple(dict.fromkeys(mode for entry in BACKENDS.values() for mode in entry.modes))
REQUEST = Request(weights="random", modes=MODES, precisions=("float32", "bfloat16"), rounds=10, threads=2)
OPTIMIZER_S = 0.0011


@dataclass
class Finished:
    """What a session holds at its end, or at its interruption."""

    results: tuple[RowResult, ...]
    request: Request = REQUEST
    algorithm: tuple[Agreement, ...] = ()
    others_fraction: float = 0.01
    evaluations_per_round: dict = field(default_factory=dict)
    scene: Scene | None = None

    def __post_init__(self):
        groups = dict.fromkeys(result.row.group for result in self.results)
        self.request = replace(self.request, precisions=tuple(dict.fromkeys(group.precision for group in groups)))
        self.scene = self.scene or scene()
        if any(result.rounds_s for result in self.results):
            self.evaluations_per_round = dict.fromkeys(groups, 3)


@cache
def scene():
    return Scene.of(REQUEST)


def row(kind, precision="float32", label=None):
    """A row of the request, or one that is called something else."""
    found = next((it for it in REQUEST.rows if it.kind == kind and it.group.precision == precision), None)
    if found is None:
        (backend, mode), group = kind.split()[:2], replace(REQUEST.groups[0], precision=precision)
        mode = mode if mode in BACKENDS[backend].modes else BACKENDS[backend].modes[0]
        found = Row(kind, f"{BACKENDS[backend].label} {kind.split()[1]}", backend, mode, group)
    return found if label is None else replace(found, label=label)


def check(size_px=SMALL, **changes):
    values = {"loss": 1.1e-7, "gradient": 4.2e-7, "cosine_gap": 1.3e-13, "gradient_followed": 3.1e-7}
    bounds = {"loss": 1e-5, "gradient": 1e-4, "cosine_gap": 1e-4, "gradient_followed": 1e-4}
    values |= {f"{name}_bound": bound for name, bound in bounds.items()}
    return Check(**{"size_px": size_px, **values, "relu_flips": 0, "pool_flips": 0, **changes})


def rounds_of(median_s, rounds=10, seed=0, spread=0.02):
    noise = np.abs(np.random.default_rng(seed).standard_normal((rounds, 3)))
    return tuple(map(tuple, (median_s * (1 + spread * noise)).tolist()))


def picture(shade, height_px=85, width_px=128):
    y, x = np.mgrid[0 : 1 : height_px * 1j, 0 : 1 : width_px * 1j]
    return np.stack([x, y, np.full_like(x, shade)], axis=-1).astype(np.float32)


def run_of(losses, evaluation_s, shade=0.5):
    """A transfer whose evaluations take as long as each other, and the optimizer's share a little more."""
    steps = tuple(
        Step(
            number, 0, number * evaluation_s, evaluation_s + OPTIMIZER_S, evaluation_s, LossTerms({"a": loss}, {}, 0.0)
        )
        for number, loss in enumerate(losses, start=1)
    )
    return RunResult(picture(shade), steps[-1].losses, steps, setup_s=1.0)


def environment(backend):
    packages = {entry.package: "1.2.3" for entry in BACKENDS.values() if entry.name == backend}
    return {
        "python": "3.11.7",
        "versions": {**packages, "numpy": "2.4.6"},
        "flags": {"oneDNN": True, "MKL": True, "CUDA": None, "TF32": False},
        "threads": {"intra-op": 2},
        "variables": {"OMP_NUM_THREADS": "2"},
        "gpu": None,
    }


def measured(row, median_s, fall=0.16, rounds_s=None, **changes):
    """A row that was measured whole: 8.1e10 operations, by a product of 4e11 a second in its own process."""
    losses = (10.4 + 316 * np.exp(-fall * np.arange(100) ** 0.8)).tolist()
    recipe = BACKENDS[row.backend].with_optimizer(REQUEST.recipe, "customary")
    result = RowResult(
        row,
        SIZE,
        recipe.stages[-1].optimizer.label,
        "measured",
        agreement=RowAgreement(check(), check(SIZE, loss=2.2e-7, relu_flips=None, pool_flips=None)),
        environment=environment(row.backend),
        phases={
            "import_s": 1.31,
            "weights_s": 0.21,
            "build_s": 1.12,
            "first_evaluation_s": 6.1 * median_s,
            "forward_s": 0.36 * median_s,
            "optimizer_s": OPTIMIZER_S,
            "saving_s": 0.019,
        },
        rounds_s=rounds_s or rounds_of(median_s),
        limit=Limit(int(8.1e10), 8.1e10 / median_s, 4e11, 4e11),
        memory=Memory(1_100_000_000, None, None),
        run=run_of(losses, median_s, shade=min(1.0, median_s)),
    )
    return replace(result, **changes)


def wrong(result):
    """The row, as one that does not compute the same."""
    return replace(result, agreement=RowAgreement(check(loss=3.4e-3), result.agreement.float64))


def algorithm(**changes):
    names = ("features relu1_1", "features relu2_1", "loss content relu4_4", "loss style relu1_1", "loss total")
    pairs = ("torch-keras", "torch-oracle", "keras-oracle")
    rows = [Quantity(name, dict.fromkeys(pairs, 2.2e-16), 1e-12) for name in names]
    rows.append(Quantity("gradient", {"torch-oracle": 3.8e-16}, None))
    flips = Flips(relu=0, relu_decisions=530_000, pool=0, pool_decisions=50_000)
    values = {"flips": {"torch": flips, "keras": flips}, "findings": {"torch": (), "keras": ()}}
    return Agreement(**{"precision": "float64", "size_px": SMALL, "rows": tuple(rows), **values, **changes})


def reported(*results, complete=True, **changes):
    """The report of a session with these results."""
    return report_of(Finished(results, **changes), complete)[0]


def results():
    """Three float32 rows, a bfloat16 row, and a mode that cannot run here."""
    return (
        measured(row("torch eager"), 0.284),
        measured(row("torch compiled"), 0.262, fall=0.158),
        measured(row("keras graph"), 0.363, fall=0.3, rounds_s=rounds_of(0.363, seed=3, spread=0.15)),
        RowResult(row("keras xla"), SIZE, "L-BFGS", "unavailable", "XLA does not compile for this CPU"),
        measured(row("torch eager", "bfloat16"), 0.171, fall=0.1),
    )


@cache
def sample():
    """A whole report."""
    return reported(*results(), algorithm=(algorithm(),))


@cache
def sample_that_disagrees():
    """The same with one row that computes something else, the fastest of all."""
    fast = wrong(measured(row("torch fast", label="PyTorch fast and wrong"), 0.05))
    return reported(fast, *results(), algorithm=(algorithm(),))


@cache
def sample_with_findings():
    """The port doctor has found a trap, and something that no trap explains."""
    known = explanation(
        20, tensor="loss/tv", title="a term has another factor", **words("2 times the tv terms", "take it out")
    )
    unknown = explanation(None, tensor="adam/1/pixels", detail="", evidence="the best factor is 0.9")
    report = sample_that_disagrees()
    return replace(report, algorithm=(algorithm(findings={"torch": (known, unknown), "keras": ()}),))


def words(detail, fix):
    return {"detail": detail, "fix": fix, "seen_in": "every code"}


def explanation(trap, **changes):
    values = dict.fromkeys(Explanation.__dataclass_fields__)
    values |= {"trap": trap, "clues": (), "also_possible": (), "also_in": (), "harmless": False}
    evidence = "with it, the difference falls from 1.0e+00 to 0.0e+00"
    return Explanation(**{**values, "evidence": evidence, **changes})


@cache
def sample_of_an_interruption():
    """Interrupted before anything was timed; one worker had died."""
    died = RowResult(row("keras graph"), SIZE, "L-BFGS", "died", "killed by signal 9: out of memory?")
    return reported(RowResult(row("torch eager"), SIZE, "Adam"), died, complete=False)


@cache
def hostile_sample():
    """Every text that a user or a machine can choose is an attack."""
    report = sample()

    def attacked(place, row):
        environment = row.environment and replace(row.environment, versions={HOSTILE[1]: HOSTILE[2]})
        texts = {"label": f"{HOSTILE[place % 3]}{place}", "optimizer": HOSTILE[1], "why": HOSTILE[2]}
        return replace(row, environment=environment, **texts)

    groups = [
        replace(it, rows=tuple(attacked(place, row) for place, row in enumerate(it.rows))) for it in report.groups
    ]
    (table,) = report.algorithm
    quantities = (replace(table.rows[0], quantity=HOSTILE[0], differences={HOSTILE[1]: 1e-16}), *table.rows[1:])
    return replace(
        report,
        command=HOSTILE[2],
        commit=HOSTILE[0],
        recipe=HOSTILE[1],
        machine=replace(report.machine, cpu=HOSTILE[0], system=HOSTILE[1], gpu=HOSTILE[2]),
        weights=replace(report.weights, name=HOSTILE[0], licence=HOSTILE[2]),
        content=replace(report.content, name=HOSTILE[0]),
        style=replace(report.style, name=HOSTILE[1]),
        algorithm=(replace(table, rows=quantities, flips={HOSTILE[2]: table.flips["torch"]}),),
        groups=tuple(groups),
    )


SAMPLES = {
    "whole": sample,
    "disagrees": sample_that_disagrees,
    "findings": sample_with_findings,
    "interrupted": sample_of_an_interruption,
    "hostile": hostile_sample,
}


def values_of(report):
    """The JSON values of a report, to change."""
    return json.loads(ADAPTER.dump_json(report))


def rows_of(values):
    """The rows in the JSON values of a report."""
    return [row for group in values["groups"] for row in group["rows"]]


def report_from(values):
    """The report that JSON values describe."""
    return ADAPTER.validate_json(json.dumps(values))


def shown(table):
    """A table as a wide terminal shows it."""
    out = Console(width=200, record=True)
    with out.capture() as capture:
        out.print(table)
    return capture.get()


def pictures_for(report):
    """A picture for every name that a report holds: smooth colours, each another."""
    heat_maps = [it.heat_map for group in report.groups for it in group.differences]
    names = ["content", "style", *(row.picture for row in report.rows), *heat_maps]
    return {name: picture(place / len(names)) for place, name in enumerate(names) if name is not None}
