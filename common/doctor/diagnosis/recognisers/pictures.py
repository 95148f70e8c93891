"""Which picture a variable or a network's input is made of, and what was done to its RGB on the way."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from common.distances import relative_l2
from common.doctor.diagnosis.findings import Clue
from common.doctor.diagnosis.judge import Judge, difference
from common.oracle import Run
from common.tensors import Array, TensorName

_AFFINE = 1e-5  # what an affine function leaves: two numbers a channel come near much else
_ALIKE = 1e-4  # means and divisors that are said to be others
_SHOWN = 1e-4  # a mean that is less is none
_GREYS = {
    "in grey": (0.299, 0.587, 0.114),
    "in grey by Rec. 709": (0.2126, 0.7152, 0.0722),
    "in grey by the mean of its channels": (1 / 3, 1 / 3, 1 / 3),
    "in grey, with red and blue exchanged": (0.114, 0.587, 0.299),
}


def another_picture(name: str, got: Array, judge: Judge) -> Iterator[Clue]:
    """The picture, and the change of its RGB, that give the tensor; at most one clue."""
    kind = TensorName.parse(name).kind
    if kind not in ("pixels", "input") and not kind.endswith(("/decoded", "/resized")):
        return
    for picture, rgb in _decoded(judge.reference) if kind.endswith("decoded") else _pictures(name, judge.reference):
        for what, changed in _changes(rgb):
            for space, mapped in _mapped(kind, changed, judge.own):
                if difference(got, mapped).relative <= judge.tolerance(name):
                    yield Clue("picture", {"picture": picture, "what": what, "space": space})
                    return


def another_normalisation(name: str, got: Array, judge: Judge) -> Iterator[Clue]:
    """The means and divisors by which RGB becomes the tensor, channel by channel; at most one clue."""
    if name not in ("pixels", "input") or got.shape != judge.right.case.image.shape:
        return
    problem = judge.own.case.problem
    space = problem.recipe.pixel_space
    right = space if name == "pixels" else judge.own.network.weights.preprocessing
    image = judge.right.case.image if name == "pixels" else space.invert(judge.own.value("pixels"))
    rgb = np.asarray(image, np.float64)
    for bgr in (right.bgr, not right.bgr):
        found = _normalisation(np.asarray(got[..., ::-1] if bgr else got, np.float64), right.scale * rgb)
        if found is None:
            continue
        means, divisors, expected = found
        if relative_l2(expected[..., ::-1] if bgr else expected, got) <= min(judge.tolerance(name), _AFFINE):
            how = [
                f"{words} ({_triple(ours)}) instead of ({_triple(theirs)})"
                for words, ours, theirs, least in (
                    ("less", np.where(np.abs(means) < _SHOWN, 0, means), right.mean, _ALIKE * right.scale),
                    ("divided by", divisors, right.std, 0.0),
                )
                if not np.allclose(ours, theirs, rtol=_ALIKE, atol=least)
            ]
            how += [f"in the order {'BGR' if bgr else 'RGB'}"] if bgr != right.bgr else []
            if how:
                yield Clue("normalised", {"range": f"0..{right.scale:g}", "how": tuple(how)})
            return


def _normalisation(values: Array, rgb: Array) -> tuple[Array, Array, Array] | None:
    """What is subtracted from each channel of RGB, what the rest is divided by, and the values that this gives."""
    axes = (0, 1)
    centred = rgb - rgb.mean(axis=axes)
    with np.errstate(all="ignore"):
        slopes = (centred * values).sum(axis=axes) / (centred**2).sum(axis=axes)
        means = rgb.mean(axis=axes) - values.mean(axis=axes) / slopes
    if not (np.isfinite(slopes).all() and np.isfinite(means).all()):
        return None
    return means, 1 / slopes, (rgb - means) * slopes


def _triple(values: Iterable[float]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)


def _decoded(run: Run) -> Iterator[tuple[str, Array]]:
    for picture in ("content", "style"):
        yield f"the {picture} picture", np.asarray(run.expected(f"{picture}/decoded"), np.float64)


def _pictures(name: str, run: Run) -> Iterator[tuple[str, Array]]:
    problem, own = run.case.problem, name.split("/")[0]
    pictures = {"image": run.case.image, "content": problem.content, "style": problem.style}
    first = own if own in pictures else "image"
    for picture in (first, *(other for other in pictures if other != first)):
        yield "the image" if picture == "image" else f"the {picture} picture", np.asarray(pictures[picture], np.float64)


def _changes(rgb: Array) -> Iterator[tuple[str, Array]]:
    yield "as it is", rgb
    yield "in linear light (sRGB decoded)", np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    encoded = 1.055 * np.maximum(rgb, 0.0031308) ** (1 / 2.4) - 0.055
    yield "encoded as sRGB once more", np.where(rgb <= 0.0031308, rgb * 12.92, encoded)
    for gamma in (2.2, 1 / 2.2, 1.8):
        yield f"to the power of {gamma:.3g}", rgb**gamma
    yield "rounded to 8 bits", np.rint(rgb * 255) / 255
    yield "rounded down to 8 bits", np.floor(rgb * 255) / 255
    yield "stretched to -1 to 1", 2 * rgb - 1
    yield "less 0.5", rgb - 0.5
    for words, luma in _GREYS.items():
        grey = np.repeat((rgb @ np.array(luma))[..., None], 3, axis=2)
        yield words, grey
        yield f"{words}, rounded to 8 bits", np.rint(grey * 255) / 255
    yield "inverted", 1 - rgb
    yield "stretched from its least to its largest value", (rgb - rgb.min()) / max(float(np.ptp(rgb)), 1e-12)
    yield "less its own mean", rgb - rgb.mean(axis=(0, 1))
    yield "standardised by its own mean and deviation", (rgb - rgb.mean(axis=(0, 1))) / rgb.std(axis=(0, 1))
    for turned, words in ((rgb[:, ::-1], "mirrored"), (rgb[::-1], "upside down"), (rgb[..., ::-1], "in the order BGR")):
        yield words, turned


def _mapped(kind: str, rgb: Array, run: Run) -> Iterator[tuple[str, Array]]:
    if kind.endswith(("/decoded", "/resized")):
        yield "", rgb
        return
    right: Callable[[Array], Array] = run.maps.to_pixels
    pixels = np.asarray(right(rgb))
    yield "", pixels if kind == "pixels" else np.asarray(run.maps.to_input(pixels))
    for space, factor in (("in 0..1", 1.0), ("in 0..255", 255.0)):
        yield f", {space} with nothing subtracted", factor * rgb
        yield f", BGR {space} with nothing subtracted", factor * rgb[..., ::-1]
