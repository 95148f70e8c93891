"""Give the faults of one set to `compare.py check`, and keep what it says next to what is true.

    python tests/outside/runner.py --set open --out open.jsonl [--names a,b] [--pairs N] [--healthy N]

Every line of the file is one case. Names that the file has already are not run again.
"""

import argparse
import atexit
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from functools import cache, lru_cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402
from safetensors.numpy import load_file  # noqa: E402

from tests.outside.called import make  # noqa: E402
from tests.outside.faults import FAULTS  # noqa: E402
from tests.outside.handing import GROUPS, first_difference, largest_difference, tensors  # noqa: E402
from tests.outside.samples import pictures  # noqa: E402
from tests.outside.split import SETS, set_of  # noqa: E402

RECIPES = ("d2l", "gatys", "keras-notebook", "pytorch-blog", "neural-style")


def compare(*arguments, **environment):
    """Run compare.py; its exit code, seconds of processor time and what it printed."""
    with tempfile.TemporaryFile("w+") as printed:
        process = subprocess.Popen(
            [sys.executable, "compare.py", *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "160", **environment},
            stdout=printed,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        printed.seek(0)
        return process.returncode, usage.ru_utime + usage.ru_stime, printed.read()


@cache
def bundle(recipe):
    """The folder of a recipe's bundle, and its image and decoded pictures."""
    kept = tempfile.mkdtemp(prefix="outside-")
    atexit.register(shutil.rmtree, kept, ignore_errors=True)
    folder = Path(kept) / recipe
    code, _, printed = compare("export", folder, "--recipe", recipe)
    assert code == 0, printed
    image = load_file(folder / "tensors.safetensors")["image"]
    return folder, image, (decoded(folder, "content"), decoded(folder, "style"))


def decoded(folder, role):
    """A picture of a bundle, 8-bit RGB."""
    with Image.open(next(folder.glob(f"{role}.*"))) as picture:
        return np.asarray(picture.convert("RGB"))


@lru_cache(maxsize=12)
def healthy(port, recipe, hands_over, key):
    """What the port hands over without a fault; the key is the bytes of the pictures."""
    way, content, style, image = key
    if way == "bundle":
        _, image, decoded = bundle(recipe)
        return tensors(make(port, recipe), None, None, image, GROUPS[hands_over], decoded)
    given = (np.frombuffer(data, np.float32).reshape(shape) for data, shape in (content, style, image))
    return tensors(make(port, recipe), *given, GROUPS[hands_over])


def differences(case, key, out):
    """The first tensor that differs from the healthy port's, by how much, and the largest difference of all."""
    right = healthy(case["port"], case["recipe"], case["hands_over"], key)
    name, size = first_difference(right, out) or (None, None)
    return {"first": name, "difference": finite(size), "largest": finite(largest_difference(right, out))}


def check_called(case, folder, options):
    """`check --port`, and the first tensor that differs for each set of pictures that it used."""
    code, seconds, printed = compare(
        *("check", "--port", "tests.outside.called:port", "--recipe", case["recipe"]),
        *("--json", folder / "said.json", *options),
        OUTSIDE_PORT=case["port"],
        OUTSIDE_RECIPE=case["recipe"],
        OUTSIDE_FAULTS=",".join(case["faults"]),
        OUTSIDE_HANDS_OVER=case["hands_over"],
        OUTSIDE_RECORD=str(folder),
    )
    first = []
    for index in range(len(list(folder.glob("in-*.npz")))):
        given, out = (dict(np.load(folder / f"{kind}-{index}.npz")) for kind in ("in", "out"))
        key = tuple((given[name].tobytes(), given[name].shape) for name in ("content", "style", "image"))
        first.append(differences(case, ("called", *key), out))
    return code, seconds, printed, first


def check_bundle(case, folder):
    """Resize the bundle's pictures, and `check` a file of tensors against the bundle."""
    where, image, decoded = bundle(case["recipe"])
    made = make(case["port"], case["recipe"], case["faults"])
    out = tensors(made, None, None, image, GROUPS[case["hands_over"]], decoded)
    np.savez(folder / "theirs.npz", **out)
    said = folder / "said.json"
    code, seconds, printed = compare("check", folder / "theirs.npz", "--against", where, "--json", said)
    return code, seconds, printed, [differences(case, ("bundle", None, None, None), out)]


def run(case, options=()):
    """One case with everything that was said about it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if case["way"] == "bundle":
            code, seconds, printed, first = check_bundle(case, folder)
        else:
            code, seconds, printed, first = check_called(case, folder, options)
        said = folder / "said.json"
        tables = json.loads(said.read_text()) if said.exists() else []
    return {
        **case,
        "exit": code,
        "seconds": round(seconds, 1),
        "first_tensor": first[0]["first"] if first else None,
        "first_tensors": first,
        "said_first": [table["first"] for table in tables],
        "healthy": [table["healthy"] for table in tables],
        "findings": [table["findings"] for table in tables],
        "printed": printed,
    }


def finite(size):
    """JSON has no infinity."""
    return size if size is not None and np.isfinite(size) else None


def single(fault):
    return {
        "name": fault.name,
        "faults": [fault.name],
        "area": fault.area,
        "port": fault.port,
        "recipe": fault.recipe,
        "hands_over": fault.hands_over,
        "way": fault.way,
        "truth": fault.truth,
        "seen_in": fault.seen_in,
    }


def pairs(faults, count, chance):
    """Two faults of other areas, of one port and recipe, that can be planted together."""
    candidates = [
        (one, other)
        for index, one in enumerate(faults)
        for other in faults[index + 1 :]
        if (one.port, one.recipe, one.way, "called") == (other.port, other.recipe, "called", other.way)
        and one.area != other.area
    ]
    chance.shuffle(candidates)
    found = []
    for one, other in candidates:
        if len(found) == count:
            break
        if works(one, other):
            case = single(one)
            case |= {"name": f"{one.name}+{other.name}", "faults": [one.name, other.name], "area": "pair"}
            case |= {"hands_over": "all", "truth": f"{one.truth}; and {other.truth}"}
            found.append(case)
    return found


def works(one, other):
    """Whether both planted at once run, and differ from each of them planted alone."""
    content, style, image, _ = pictures()
    group = GROUPS["without optimizers"] if "optimizers" not in (one.area, other.area) else GROUPS["all"]

    def out(*names):
        return tensors(make(one.port, one.recipe, names), content, style, image, group)

    try:
        both = out(one.name, other.name)
    except (ValueError, RuntimeError, KeyError, TypeError, AttributeError):
        return False
    return all(first_difference(out(fault.name), both) for fault in (one, other))


def healthy_cases(count, chance):
    """Healthy ports of other recipes, seeds and sizes, with the options of `check` that say so."""
    for _ in range(count):
        seed, height, width = chance.randrange(1, 10**6), chance.randrange(33, 48), chance.randrange(33, 48)
        case = {"port": chance.choice(("numpy", "torch")), "recipe": chance.choice(RECIPES)}
        case |= {"name": f"healthy-{case['port']}-{case['recipe']}-{seed}-{height}x{width}", "faults": []}
        case |= {
            "area": "healthy",
            "hands_over": chance.choice(list(GROUPS)),
            "way": "called",
            "truth": "nothing is wrong",
        }
        yield case, ("--seed", str(seed), "--size", f"{height}x{width}")


def cases(arguments):
    chance = random.Random(arguments.seed)
    faults = [fault for fault in FAULTS.values() if set_of(fault.name) == arguments.set]
    if arguments.healthy:
        return list(healthy_cases(arguments.healthy, chance))
    if arguments.pairs:
        return [(case, ()) for case in pairs(faults, arguments.pairs, chance)]
    names = arguments.names.split(",") if arguments.names else [fault.name for fault in faults]
    unknown = set(names) - {fault.name for fault in faults}
    if unknown:
        sys.exit(f"not in the {arguments.set} set: {', '.join(sorted(unknown))}")
    chosen = sorted((FAULTS[name] for name in names), key=lambda fault: (fault.port, fault.recipe, fault.hands_over))
    return [(single(fault), ()) for fault in chosen]  # neighbours share what the healthy port hands over


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", choices=SETS, required=True)
    parser.add_argument("--out", type=Path, required=True, help="a file of JSON lines, to which lines are added")
    parser.add_argument("--names", help="only these, with commas between them")
    parser.add_argument("--pairs", type=int, metavar="N", help="N random pairs of the set instead")
    parser.add_argument("--healthy", type=int, metavar="N", help="N healthy ports instead")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of pairs and healthy ports")
    arguments = parser.parse_args()
    done = set()
    if arguments.out.exists():
        done = {json.loads(line)["name"] for line in arguments.out.read_text().splitlines()}
    for case, options in cases(arguments):
        if case["name"] not in done:
            result = run(case, options)
            with arguments.out.open("a") as file:
                file.write(json.dumps(result) + "\n")
            # Who works with the open set should not read what is in the closed one.
            print(
                case["name"] if arguments.set == "open" else "a case",
                "exit",
                result["exit"],
                f"{result['seconds']} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
