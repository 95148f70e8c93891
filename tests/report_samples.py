"""Sample reports as plain dicts: two groups, rows of every status, and hostile names on request."""

import copy
import json
from pathlib import Path

import numpy as np
from jsonschema import Draft202012Validator

from common.comparison import rendering

SCHEMA = json.loads((Path(rendering.__file__).parent / "report.schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)
SIZE, SMALL = [170, 256], [37, 50]
HOSTILE = (
    '<script>document.title="owned"</script>.png',
    '"><img src=x onerror=alert(1)>',
    "</script><svg onload=alert(1)>`|`\n\n# $\\frac{$ @octocat {{ 7*7 }}",
)


def comparison(size_px=SMALL, loss=1.1e-7, agrees=True, **changes):
    return {
        "size_px": size_px,
        "loss": loss,
        "gradient": 4.2e-7,
        "cosine_gap": 1.3e-13,
        "gradient_followed": 3.1e-7,
        "loss_bound": 1e-5,
        "gradient_bound": 1e-4,
        "cosine_gap_bound": 1e-4,
        "gradient_followed_bound": 1e-4,
        "relu_flips": 0,
        "pool_flips": 0,
        "agrees": agrees,
        **changes,
    }


def evaluation(median_s, rounds=10, seed=0, noisy=False):
    spread = 0.15 if noisy else 0.02
    rng = np.random.default_rng(seed)
    times = median_s * (1 + spread * np.abs(rng.standard_normal((rounds, 3))))
    low, median, high = np.percentile(times, (25, 50, 75))
    return {
        "median_s": float(median),
        "quartiles_s": [float(low), float(high)],
        "count": times.size,
        "noisy": noisy,
        "rounds_s": times.tolist(),
    }


def convergence(median_s, fall, common=11.2, count=100):
    losses = 10.4 + 316 * np.exp(-fall * np.arange(count) ** 0.8)
    reached = int(np.argmax(losses <= common)) + 1 if losses.min() <= common else None
    return {
        "seconds": (median_s * np.arange(1, count + 1)).tolist(),
        "losses": losses.tolist(),
        "best_loss": float(losses.min()),
        "evaluations_to_common": reached,
        "seconds_to_common": reached and reached * median_s,
    }


def environment(backend):
    packages = (
        {"torch": "2.15.0", "torchvision": "0.30.0"}
        if backend == "torch"
        else {"tensorflow": "2.21.0", "keras": "3.12.0"}
    )
    return {
        "executable": "/usr/bin/python3",
        "python": "3.11.7",
        "versions": {**packages, "numpy": "2.4.6"},
        "flags": {"oneDNN": True, "MKL": True, "CUDA": None, "TF32": False},
        "threads": {backend: 2, "OMP_NUM_THREADS": 2},
        "variables": {"OMP_NUM_THREADS": "2", "MALLOC_MMAP_MAX_": "0"},
        "gpu": None,
    }


def measured(backend, mode, median_s, precision="float32", size_px=SIZE, fall=0.16, **changes):
    """A row that was measured whole."""
    name = f"{backend} {mode} {precision} {size_px[1]}"
    return {
        "name": name,
        "label": f"{'PyTorch' if backend == 'torch' else 'Keras/TensorFlow'} {mode}",
        "backend": backend,
        "mode": mode,
        "precision": precision,
        "size_px": size_px,
        "optimizer": "Adam" if backend == "torch" else "L-BFGS",
        "status": "measured",
        "why": None,
        "ranked": True,
        "agreement": {
            "oracle": comparison(),
            "float64": comparison(size_px, 2.2e-7, gradient_bound=None, relu_flips=1),
            "agrees": True,
        },
        "environment": environment(backend),
        "phases": {
            "import_s": 1.31,
            "weights_s": 0.21,
            "build_s": 1.12,
            "first_evaluation_s": 6.1 * median_s,
            "forward_s": 0.36 * median_s,
            "backward_s": 0.64 * median_s,
            "optimizer_s": 0.0011,
            "saving_s": 0.019,
        },
        "evaluation": evaluation(median_s),
        "limit": {
            "flops": 8.1e10,
            "flops_per_s": 8.1e10 / median_s,
            "ceiling_flops_per_s": 4e11,
            "fraction": 0.2025 / median_s,
        },
        "memory": {"resident_bytes": 1_100_000_000, "gpu_allocated_bytes": None, "gpu_reserved_bytes": None},
        "convergence": convergence(median_s, fall),
        "picture": f"{name.replace(' ', '-')}.png",
        **changes,
    }


def bare(backend, mode, status, why=None, **changes):
    """A row of which nothing is known."""
    unknown = dict.fromkeys(("agreement", "environment", "evaluation", "limit", "memory", "convergence", "picture"))
    row = measured(backend, mode, 1.0) | unknown | {"status": status, "why": why, "ranked": False} | changes
    row["phases"] = dict.fromkeys(row["phases"])
    return row


def wrong(row):
    """The row, as one that does not compute the same."""
    agreement = {"oracle": comparison(loss=3.4e-3, agrees=False), "float64": None, "agrees": False}
    return row | {"agreement": agreement, "ranked": False}


def ratio(row, to, value, rounds=10):
    low, high = value * 0.98, value * 1.02
    words = f"{value:.2f}x slower" if low > 1 else f"{1 / value:.2f}x faster" if high < 1 else "no difference shown"
    return {
        "row": row["name"],
        "to": to["name"],
        "ratio": value,
        "low": low,
        "high": high,
        "rounds": rounds,
        "verdict": f"{words} ({low:.2f} to {high:.2f})",
    }


def algorithm():
    pairs = ("torch-keras", "torch-oracle", "keras-oracle")
    rows = [
        {"quantity": quantity, "differences": dict.fromkeys(pairs, 2.2e-16), "bound": 1e-12, "agrees": True}
        for quantity in (
            "features relu1_1",
            "features relu2_1",
            "loss content relu4_4",
            "loss style relu1_1",
            "loss total",
            "gradient",
        )
    ]
    rows.append(
        {"quantity": "gradient, same choices", "differences": {"torch-oracle": 3.8e-16}, "bound": None, "agrees": True}
    )
    flips = {"relu": 0, "relu_decisions": 530_000, "pool": 0, "pool_decisions": 50_000}
    return {
        "precision": "float64",
        "size_px": SMALL,
        "agrees": True,
        "rows": rows,
        "flips": {"torch": flips, "keras": flips},
        "findings": {"torch": [], "keras": []},
    }


def report_of(rows, **changes):
    """A report of these rows, without ratios and differences."""
    return {
        "schema": 3,
        "created": "2026-11-22T02:40:00+00:00",
        "command": "python compare.py --thorough",
        "complete": True,
        "agrees": True,
        "machine": {
            "cpu": "AMD EPYC 7B13",
            "cores": 2,
            "memory_bytes": 25_000_000_000,
            "system": "Linux-6.1.0-18-amd64-x86_64-with-glibc2.36",
            "gpu": None,
        },
        "commit": "47fa52d+changes",
        "weights": {
            "name": "keras",
            "sha256": "cbe5617147190e668d6c5d5026f83318" * 2,
            "licence": "Oxford VGG, CC BY 4.0",
        },
        "content": "/pictures/chelsea.png",
        "style": "/pictures/ihc.png",
        "others_fraction": 0.01,
        "network": {"style_taps": ["relu1_1"], "content_taps": [], "pooling": "max", "tv_form": "none"},
        "recipe": "d2l",
        "seed": 0,
        "device": "cpu",
        "threads": 2,
        "rounds": 10,
        "evaluations_per_round": 3,
        "pairing": "customary",
        "algorithm": [algorithm()],
        "rows": rows,
        "ratios": [],
        "common_losses": [],
        "differences": [],
        **changes,
    }


def sample():
    """A whole report: three float32 rows, one bfloat16 row, and a mode that cannot run here."""
    eager = measured("torch", "eager", 0.284)
    compiled = measured("torch", "compile", 0.262, fall=0.158)
    graph = measured("keras", "graph", 0.363, fall=0.3)
    half = measured("torch", "eager", 0.171, precision="bfloat16", fall=0.1)
    graph["evaluation"] = evaluation(0.363, seed=3, noisy=True)
    xla = bare("keras", "xla", "unavailable", "XLA does not compile for this CPU")
    differences = [
        {"row": graph["name"], "to": eager["name"], "psnr_db": 18.2, "ssim": 0.61, "heat_map": "heat-graph-eager.png"},
        {
            "row": compiled["name"],
            "to": eager["name"],
            "psnr_db": None,
            "ssim": 1.0,
            "heat_map": "heat-compile-eager.png",
        },
    ]
    return report_of(
        [eager, compiled, graph, half, xla],
        ratios=[ratio(eager, compiled, 1.08), ratio(graph, compiled, 1.39), ratio(graph, eager, 1.28)],
        common_losses=[{"precision": "float32", "size_px": SIZE, "loss": 11.2}],
        differences=differences,
    )


def sample_that_disagrees():
    """The same with one row that computes something else, the fastest of all."""
    report = sample()
    fast = measured("torch", "fast", 0.05) | {"label": "PyTorch fast and wrong"}
    return report | {"rows": [wrong(fast), *report["rows"]], "agrees": False}


def sample_with_findings():
    """The port doctor has found a trap, and something that no trap explains."""
    report = sample_that_disagrees()
    report["algorithm"][0]["agrees"] = False
    report["algorithm"][0]["findings"]["torch"] = [
        finding(
            20, tensor="loss/tv", detail="2 times the tv terms", title="a term has another factor", fix="take it out"
        ),
        finding(None, tensor="adam/1/pixels", detail="no known trap explains it", evidence="the best factor is 0.9"),
    ]
    return report


def finding(trap, title=None, fix=None, **changes):
    evidence = "with it, the difference falls from 1.0e+00 to 0.0e+00"
    known = {"title": title, "fix": fix, "seen_in": fix and "every code"}
    return {
        "trap": trap,
        "evidence": evidence,
        "clues": [],
        "also_possible": [],
        "also_in": [],
        "harmless": False,
        **known,
        **changes,
    }


def sample_of_an_interruption():
    """Interrupted before anything was timed; one worker had died."""
    rows = [bare("torch", "eager", "incomplete"), bare("keras", "graph", "died", "killed by signal 9: out of memory?")]
    return report_of(rows, complete=False, algorithm=[])


def hostile_sample():
    """Every text that a user or a machine can choose is an attack."""
    report = copy.deepcopy(sample())
    report |= {
        "content": HOSTILE[0],
        "style": HOSTILE[1],
        "command": HOSTILE[2],
        "commit": HOSTILE[0],
        "others_fraction": 0.01,
        "network": {"style_taps": ["relu1_1"], "content_taps": [], "pooling": "max", "tv_form": "none"},
        "recipe": HOSTILE[1],
    }
    report["machine"] |= {"cpu": HOSTILE[0], "system": HOSTILE[1], "gpu": HOSTILE[2]}
    report["weights"] |= {"name": HOSTILE[0], "licence": HOSTILE[2]}
    for place, row in enumerate(report["rows"]):
        row |= {"label": HOSTILE[place % 3], "optimizer": HOSTILE[1], "why": HOSTILE[2], "mode": HOSTILE[0]}
        if row["environment"]:
            row["environment"]["executable"] = HOSTILE[0]
            row["environment"]["versions"][HOSTILE[1]] = HOSTILE[2]
    for it in report["ratios"]:
        it["verdict"] = HOSTILE[0]
    table = report["algorithm"][0]
    table["rows"][0] |= {"quantity": HOSTILE[0], "differences": {HOSTILE[1]: 1e-16}}
    table["flips"][HOSTILE[2]] = table["flips"].pop("torch")
    return report


def pictures_for(report, height_px=85, width_px=128):
    """A picture for every name that a report holds: smooth colours, each another."""
    names = [
        "content",
        "style",
        *(row["picture"] for row in report["rows"]),
        *(it["heat_map"] for it in report["differences"]),
    ]
    y, x = np.mgrid[0 : 1 : height_px * 1j, 0 : 1 : width_px * 1j]
    return {
        name: np.stack([x, y, np.full_like(x, place / len(names))], axis=-1).astype(np.float32)
        for place, name in enumerate(names)
        if name is not None
    }
