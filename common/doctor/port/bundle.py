"""The reference bundle: every tensor of a case by the float64 oracle, and a manifest that says what they are."""

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from common.errors import RosettaError, one_line
from common.images import write_text
from common.oracle import Case, Picture, Run
from common.problem import Problem
from common.recipes import adam_of, lbfgs_of, recipe_from_json, recipe_to_json
from common.tensors import Array, Arrays, TensorName, read_tensors, tensor_names, write_tensors
from common.vgg19 import Weights, load_weights

SCHEMA = 1
TENSORS, MANIFEST = "tensors.safetensors", "manifest.json"
COMPUTED_BY = "style-rosetta's oracle, float64"


def write_bundle(case: Case, folder: Path) -> None:
    """Write tensors.safetensors, manifest.json, and copies of the two pictures into a folder: all of them or none.

    An earlier bundle there is replaced. Raises RosettaError for a folder that cannot be written.
    """
    arrays = bundle_tensors(case)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".part-") as name:
            _write_files(case, arrays, part := Path(name))
            # The earlier bundle's pictures may be what the new one is made of: they are removed last.
            for file in _earlier_files(folder):
                (folder / file).unlink(missing_ok=True)
            for path in part.iterdir():
                path.replace(folder / path.name)
    except OSError as error:
        raise RosettaError(f"cannot write the bundle {str(folder)!r} ({one_line(error)}): name another") from None


def _write_files(case: Case, arrays: Arrays, folder: Path) -> None:
    files = {role: getattr(case, role).path for role in ("content", "style")}
    names = {role: file and f"{role}{file.suffix.lower()}" for role, file in files.items()}
    for role, file in files.items():
        if file:
            shutil.copyfile(file, folder / names[role])
    write_tensors(folder / TENSORS, arrays)
    write_text(folder / MANIFEST, json.dumps(_manifest(case, arrays, names), indent=1))


def bundle_tensors(case: Case) -> Arrays:
    """Every tensor of the case: large ones in float32, those that steps are computed from in float64."""
    run = Run(case)
    stored = {name: _stored(name, np.asarray(run.expected(name))) for name in tensor_names(case.problem)}
    return {"image": case.image, **stored}


def _stored(name: str, array: Array) -> Array:
    parsed = TensorName.parse(name)
    if parsed.stage == "file":
        in_bytes = np.rint(array * 255)
        return in_bytes.astype(np.uint8) if np.array_equal(in_bytes / np.float32(255), array) else array
    large = parsed.stage in ("resize", "taps", "gram") or parsed.kind == "gradient/features"
    return array.astype(np.float32) if large else array


def _manifest(case: Case, arrays: Arrays, pictures: Mapping[str, str | None]) -> dict[str, Any]:
    recipe, weights = case.problem.recipe, case.problem.weights
    return {
        "schema": SCHEMA,
        "computed by": COMPUTED_BY,
        "layout": "HWC, without a batch; Gram matrices (C, C)",
        "recipe": recipe_to_json(recipe),
        "weights": {name: getattr(weights, name) for name in ("name", "family", "sha256", "licence")},
        "adam": vars(adam_of(recipe)),
        "lbfgs": vars(lbfgs_of(recipe)),
        "pictures": pictures,
        "tensors": {name: {"shape": list(it.shape), "dtype": str(it.dtype)} for name, it in arrays.items()},
    }


def read_bundle(folder: Path, weights: str | None) -> Case:
    """The case of a bundle; raise RosettaError when it is none, or was made with other weights than are found."""
    if not folder.is_dir():
        raise RosettaError(f"there is no bundle {str(folder)!r}: make one by `python compare.py export DIR`")
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if manifest["schema"] != SCHEMA:
            raise ValueError(f"its schema is {manifest['schema']}, not {SCHEMA}")
        recipe = recipe_from_json(manifest["recipe"])
        wanted, pictures = manifest["weights"], manifest["pictures"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RosettaError(
            f"{str(folder)!r} is no bundle ({one_line(error)}): make one by `python compare.py export DIR`"
        ) from None
    arrays, found_weights = read_tensors(folder / TENSORS), _same_weights(wanted, weights)
    try:
        problem = Problem(arrays["content/resized"], arrays["style/resized"], recipe, found_weights, "float64")
        content, style = (_picture(role, arrays, pictures, folder) for role in ("content", "style"))
        return Case(problem, content, style, arrays["image"])
    except KeyError as error:
        raise RosettaError(f"the bundle {str(folder)!r} has no {one_line(error)}: export it anew") from None


def _same_weights(wanted: Mapping[str, str], source: str | None) -> Weights:
    name = wanted["name"]
    weights = load_weights(source or (name if name.startswith("random") else None))
    if weights.sha256 != wanted["sha256"]:
        raise RosettaError(
            f"the bundle was made with the weights {name} (sha256 {wanted['sha256'][:12]}...), and {weights.name} is "
            f"{weights.sha256[:12]}...: name the file by --weights"
        )
    return weights


def _picture(role: str, arrays: Arrays, pictures: Mapping[str, str | None], folder: Path) -> Picture:
    decoded = arrays[f"{role}/decoded"]
    values = (decoded / np.float32(255 if decoded.dtype == np.uint8 else 1)).astype(np.float32)
    path = folder / Path(pictures.get(role) or "").name
    return Picture(values, path if path.is_file() else None)


def check_bundle_folder(folder: Path) -> None:
    """Raise RosettaError when a bundle cannot be written into a folder, or would be among other files."""
    try:
        nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists() or path.is_symlink())
        usable = nearest.is_dir() and os.access(nearest, os.R_OK | os.W_OK | os.X_OK)
        strangers = usable and folder.is_dir() and {file.name for file in folder.iterdir()} - _earlier_files(folder)
    except OSError as error:
        raise RosettaError(f"cannot write into the folder {str(folder)!r} ({one_line(error)}): name another") from None
    if not usable:
        raise RosettaError(f"cannot write into the folder {str(folder)!r}: name another")
    if strangers:
        raise RosettaError(
            f"{str(folder)!r} holds other files ({min(strangers)}): name a new folder, or that of an earlier bundle"
        )


def _earlier_files(folder: Path) -> set[str]:
    """The files of an earlier bundle in a folder; empty where there is none."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if manifest["computed by"] == COMPUTED_BY:
            return {TENSORS, MANIFEST, *(Path(name).name for name in manifest["pictures"].values() if name)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    return set()
