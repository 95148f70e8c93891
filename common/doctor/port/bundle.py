"""The reference bundle: a case's tensors by the float64 oracle, its weights, and a manifest that says what they are."""

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np
from threadpoolctl import threadpool_limits

from common.doctor.port.bundle_weights import (
    WEIGHTS,
    WeightsEntry,
    WeightsFile,
    read_weights,
    weights_entry,
    write_weights,
)
from common.errors import RosettaError, one_line
from common.images import load_image
from common.input_files import read_json
from common.json_values import from_json
from common.oracle import Case, Picture, Run
from common.problem import Problem, check_image
from common.recipes import Recipe, adam_of, lbfgs_of, recipe_from_json, recipe_to_json
from common.tensors import Array, Arrays, TensorName, read_tensors, tensor_names, write_tensors
from common.vgg19 import layer
from common.writing import PART_FOLDER, names_to_disk, replacing, write_text

SCHEMA: Literal[2] = 2
TENSORS, MANIFEST = "tensors.safetensors", "manifest.json"
WIDEST_GRAM = 128  # channels: a matrix of 512 x 512 takes 1 MB, and the feature map that it is made of 33 kB
COMPUTED_BY = "style-rosetta's oracle, float64"


def write_bundle(case: Case, folder: Path, with_weights: bool = True, with_steps: bool = False) -> None:
    """Write tensors, weights, manifest.json, and copies of the two pictures into a folder.

    Nothing is put there before all of them are written. An earlier bundle there is replaced file by file, the manifest
    last. `with_steps` adds the optimizers' first steps. Raises RosettaError for a folder that cannot be written.
    """
    arrays = bundle_tensors(case, with_steps)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=PART_FOLDER) as name:
            _write_files(case, arrays, part := Path(name), with_weights)
            earlier, written = bundle_files(folder), sorted(part.iterdir(), key=lambda path: path.name == MANIFEST)
            for path in written:
                path.replace(folder / path.name)
            for file in earlier - {folder / path.name for path in written}:
                file.unlink(missing_ok=True)
            names_to_disk(folder)
    except OSError as error:
        raise RosettaError(f"cannot write the bundle {str(folder)!r} ({one_line(error)}): name another") from None


def _write_files(case: Case, arrays: Arrays, folder: Path, with_weights: bool) -> None:
    files = {role: getattr(case, role).path for role in ("content", "style")}
    names = {role: file and f"{role}{file.suffix.lower()}" for role, file in files.items()}
    for role, file in files.items():
        if file:
            with replacing(folder / names[role]) as temporary:
                shutil.copyfile(file, temporary)
    write_tensors(folder / TENSORS, arrays)
    weights = folder / WEIGHTS if with_weights else None
    if weights:
        write_weights(weights, case.problem)
    write_text(folder / MANIFEST, json.dumps(_manifest(case, arrays, names, weights), indent=1))


def bundle_tensors(case: Case, with_steps: bool = False) -> Arrays:
    """The tensors that a bundle has: large ones in float32, those that steps are computed from in float64."""
    run, names = Run(case), [name for name in tensor_names(case.problem) if _is_stored(name, case, with_steps)]
    with threadpool_limits(case.threads):
        stored = {name: _stored(name, np.asarray(run.expected(name))) for name in names}
    return {"image": case.image, **stored}


def _is_stored(name: str, case: Case, with_steps: bool) -> bool:
    """Whether a bundle has a tensor: what is large, and follows from others by one operation, is left out."""
    parsed = TensorName.parse(name)
    if parsed.stage == "optimizer":
        return with_steps
    if parsed.stage == "file":
        return getattr(case, parsed.role).path is None
    if parsed.kind in ("gram", "target/style"):
        return layer(parsed.tap).out_channels <= WIDEST_GRAM
    return parsed.kind != "features" or layer(parsed.tap).kind != "relu" or parsed.tap in case.problem.recipe.taps


def _stored(name: str, array: Array) -> Array:
    parsed = TensorName.parse(name)
    if parsed.stage == "file":
        in_bytes = np.rint(array * 255)
        return in_bytes.astype(np.uint8) if np.array_equal(in_bytes / np.float32(255), array) else array
    large = parsed.stage in ("resize", "taps", "gram") or parsed.kind == "gradient/features"
    return array.astype(np.float32) if large else array


def _manifest(case: Case, arrays: Arrays, pictures: Mapping[str, str | None], weights: Path | None) -> dict[str, Any]:
    recipe = case.problem.recipe
    return {
        "schema": SCHEMA,
        "computed by": COMPUTED_BY,
        "layout": "HWC, without a batch; Gram matrices (C, C)",
        "recipe": recipe_to_json(recipe),
        "weights": weights_entry(case.problem, weights),
        "adam": vars(adam_of(recipe)),
        "lbfgs": vars(lbfgs_of(recipe)),
        "pictures": pictures,
        "tensors": {name: {"shape": list(it.shape), "dtype": str(it.dtype)} for name, it in arrays.items()},
        "left out": [name for name in tensor_names(case.problem) if name not in arrays],
    }


@dataclass(frozen=True)
class _Pictures:
    content: str | None
    style: str | None


@dataclass(frozen=True)
class _Manifest:
    """What is read of a manifest."""

    schema: Literal[2]
    recipe: Mapping[str, Any]
    weights: WeightsEntry
    pictures: _Pictures


def read_bundle(folder: Path, weights: str | None) -> Case:
    """The case of a bundle; raise RosettaError when it is none, or was made with other weights than are found."""
    manifest, recipe = _read_manifest(folder)
    found_weights = read_weights(manifest.weights, folder, weights)
    arrays = read_tensors(folder / TENSORS)
    try:
        content, style = (_picture(role, name, folder, arrays) for role, name in vars(manifest.pictures).items())
        problem = Problem(arrays["content/resized"], arrays["style/resized"], recipe, found_weights, "float64")
        case = Case(problem, content, style, arrays["image"])
    except KeyError as error:
        raise RosettaError(f"the bundle {str(folder)!r} has no {one_line(error)}: export it anew") from None
    problem.pixels(case.image)  # refuses what does not fit
    return case


def _read_manifest(folder: Path) -> tuple[_Manifest, Recipe]:
    try:
        manifest = from_json(_Manifest, read_json(folder / MANIFEST))
        return manifest, recipe_from_json(manifest.recipe, "recipe")
    except (OSError, ValueError, RosettaError) as error:
        raise RosettaError(
            f"{str(folder)!r} is no bundle ({one_line(error)}): make one by `python compare.py export DIR`"
        ) from None


def _picture(role: str, name: str | None, folder: Path, arrays: Arrays) -> Picture:
    """A picture of a bundle: from the file in the folder itself, whatever the manifest says, or from the tensors."""
    if name:
        path = folder / Path(name).name
        return Picture(load_image(path), path)
    decoded = arrays[f"{role}/decoded"]
    scaled = (decoded / np.float32(255 if decoded.dtype == np.uint8 else 1)).astype(np.float32)
    check_image(f"{role} picture", scaled, 1)
    return Picture(scaled)


def check_bundle_folder(folder: Path) -> None:
    """Raise RosettaError when a bundle cannot be written into a folder, or would be among other files."""
    try:
        nearest = next(
            path for path in chain([folder], folder.absolute().parents) if path.exists() or path.is_symlink()
        )
        usable = nearest.is_dir() and os.access(nearest, os.R_OK | os.W_OK | os.X_OK)
        strangers = usable and folder.is_dir() and {file.name for file in _strangers(folder)}
    except OSError as error:
        raise RosettaError(f"cannot write into the folder {str(folder)!r} ({one_line(error)}): name another") from None
    if not usable:
        raise RosettaError(f"cannot write into the folder {str(folder)!r}: name another")
    if strangers:
        raise RosettaError(
            f"{str(folder)!r} holds other files ({min(strangers)}): name a new folder, or that of an earlier bundle"
        )


def _strangers(folder: Path) -> set[Path]:
    return {file for file in folder.iterdir() if not file.name.startswith(PART_FOLDER)} - bundle_files(folder)


@dataclass(frozen=True)
class _EarlierWeights:
    file: WeightsFile | None = None  # schema 1 has none


@dataclass(frozen=True)
class _Earlier:
    """What a manifest of any schema says of the bundle's files."""

    weights: _EarlierWeights
    pictures: _Pictures


def bundle_files(folder: Path) -> set[Path]:
    """The files of the bundle in a folder; empty where there is none."""
    try:
        values = read_json(folder / MANIFEST)
        earlier = from_json(_Earlier, values)
        if values["computed by"] == COMPUTED_BY:
            weights, pictures = earlier.weights.file, vars(earlier.pictures).values()
            names = [weights and weights.name, *pictures]
            return {folder / name for name in (TENSORS, MANIFEST, *(Path(name).name for name in names if name))}
    except (OSError, ValueError, KeyError, RosettaError):
        pass
    return set()
