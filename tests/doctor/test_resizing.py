"""The filters that the doctor names, against the libraries: every function that gives the pixels, and no other."""

import base64
import re
import time

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from scipy import ndimage
from shallow import shallow
from skimage.transform import resize as resized_by_skimage
from torch.nn.functional import interpolate

from common import load_weights, samples
from common.distances import relative_l2
from common.doctor import diagnose
from common.doctor.diagnosis.judge import Judge
from common.doctor.diagnosis.recognisers.resizing import resized_otherwise
from common.images import resize, to_bytes
from common.oracle import SMALL, case_from_files, random_case
from common.recipes import Exactly

NAME = "content/resized"
TAPS = {"style_taps": ("relu1_1",), "content_taps": ("relu1_1",)}
SIZE = SMALL.height_px, SMALL.width_px
PILLOWS = tuple(Pillow.Resampling.__members__)


@pytest.fixture(scope="module")
def case():
    return random_case(3, shallow("gatys", **TAPS), load_weights("random"))


@pytest.fixture(scope="module")
def photographs():
    return case_from_files(samples.CONTENT.path, samples.STYLE.path, shallow("gatys", **TAPS), load_weights("random"))


def pictured(picture, size, folder):
    """A case with a picture of some 8-bit values, for both roles, that is resized to a size."""
    path = folder / "picture.png"
    Pillow.fromarray(picture).save(path)
    return case_from_files(path, path, shallow("gatys", **TAPS), load_weights("random"), Exactly(*size))


def said(case, picture):
    """What the doctor says of a content picture that was resized otherwise."""
    diagnosis = diagnose(case, {NAME: np.asarray(picture, np.float32)})
    assert [row.verdict for row in diagnosis.rows] == ["differs"]
    (finding,) = diagnosis.findings
    assert finding.tensor == NAME
    return finding.detail


def named(functions, words):
    """Those of some functions of libraries that are named."""
    return {name for name in functions if re.search(re.escape(name) + "(?! with)", words)}


def pytorchs(mode, **options):
    def by_pytorch(picture, size):
        batch = torch.tensor(picture).movedim(-1, 0)[None]
        return interpolate(batch, size=size, mode=mode, **options)[0].movedim(0, -1).numpy()

    return by_pytorch


def tensorflows(method, antialias=False):
    def by_tensorflow(picture, size):
        import tensorflow as tf  # here, so that nothing else in this file waits for it

        return tf.image.resize(picture, size, method=method, antialias=antialias).numpy()

    return by_tensorflow


def tensorflow_1s(method, align_corners=False):
    def by_tensorflow_1(picture, size):
        from tensorflow.compat.v1 import image

        return image.resize(picture[None], size, method=method, align_corners=align_corners).numpy()[0]

    return by_tensorflow_1


def pillows(name):
    def by_pillow(picture, size):
        planes = [Pillow.fromarray(np.ascontiguousarray(plane)) for plane in np.moveaxis(picture, -1, 0)]
        return np.stack([np.asarray(plane.resize(size[::-1], Pillow.Resampling[name])) for plane in planes], axis=-1)

    return by_pillow


def zoomed(order):
    return lambda picture, size: ndimage.zoom(picture, (*np.divide(size, picture.shape[:2]), 1), order=order)


TORCH, TF, TF1 = "PyTorch's interpolate", "tf.image.resize", "tf.compat.v1.image.resize"
SMOOTH = ("bilinear", "bicubic")
ANTIALIASING = (*SMOOTH, "lanczos3", "lanczos5", "mitchellcubic", "gaussian")
FLOATS = {
    **{f"Pillow's {name}": pillows(name) for name in PILLOWS},
    **{f"{TORCH} '{mode}'": pytorchs(mode) for mode in (*SMOOTH, "nearest", "nearest-exact", "area")},
    **{f"{TORCH} '{mode}' with antialias": pytorchs(mode, antialias=True) for mode in SMOOTH},
    **{f"{TORCH} '{mode}' with align_corners": pytorchs(mode, align_corners=True) for mode in SMOOTH},
    **{f"{TF} '{method}'": tensorflows(method) for method in (*ANTIALIASING, "nearest", "area")},
    **{f"{TF} '{method}' with antialias": tensorflows(method, True) for method in ANTIALIASING},
    **{f"{TF1} '{method}'": tensorflow_1s(method) for method in (*SMOOTH, "nearest")},
    **{f"{TF1} '{method}' with align_corners": tensorflow_1s(method, True) for method in (*SMOOTH, "nearest")},
    **{f"scipy.ndimage.zoom of order {order}": zoomed(order) for order in (1, 3)},
    "skimage.transform.resize": resized_by_skimage,
}


@pytest.fixture(scope="module")
def floats(case):
    """What every function makes of the content picture, not clipped."""
    return {name: by(case.content.decoded, SIZE) for name, by in FLOATS.items()}


@pytest.mark.parametrize("name", FLOATS)
def test_every_function_that_gives_the_floats_is_named_and_no_other(name, case, floats):
    picture = floats[name]
    same = {other for other, theirs in floats.items() if relative_l2(theirs, picture) < 1e-5}
    assert named(FLOATS, said(case, picture)) == same


@pytest.mark.parametrize("name", PILLOWS)
def test_pillows_8_bits_are_named(name, case):
    picture = Pillow.fromarray(to_bytes(case.content.decoded)).resize(SIZE[::-1], Pillow.Resampling[name])
    words = said(case, np.asarray(picture) / 255)
    assert named([f"Pillow's {it}" for it in PILLOWS], words) == {f"Pillow's {name}"}
    assert name == "NEAREST" or "8 bits" in words


def test_pillows_reducing_gap_is_named(photographs):
    picture = Pillow.fromarray(to_bytes(photographs.content.decoded))
    resized = picture.resize(SIZE[::-1], Pillow.Resampling.BICUBIC, reducing_gap=2.0)
    assert "Pillow's BICUBIC with reducing_gap=2, in 8 bits" in said(photographs, np.asarray(resized) / 255)


def test_a_picture_that_is_decoded_smaller_is_named(tmp_path):
    """Of a JPEG, Pillow decodes a half, a quarter or an eighth of the width and height."""
    with Pillow.open(samples.CONTENT.path) as file:
        path = tmp_path / "large.jpg"
        file.convert("RGB").resize((680, 740)).save(path)
    case = case_from_files(path, path, shallow("gatys", **TAPS), load_weights("random"))
    with Pillow.open(path) as file:
        file.draft("RGB", SIZE[::-1])
        assert file.size != (680, 740)
        drafted = np.asarray(file.resize(SIZE[::-1], Pillow.Resampling.LANCZOS)) / 255
    assert "Pillow's LANCZOS after draft(), in 8 bits" in said(case, drafted)
    with Pillow.open(path) as file:
        file.thumbnail(SIZE[::-1])
        assert file.size == SIZE[::-1]
        thumbnail = np.asarray(file) / 255
    assert "Pillow's thumbnail by BICUBIC, in 8 bits" in said(case, thumbnail)


@pytest.mark.parametrize(
    ("to_8_bits", "words"),
    [(to_bytes, "rounded to 8 bits"), (lambda it: (255 * np.clip(it, 0, 1)).astype(np.uint8), "truncated to 8 bits")],
)
@pytest.mark.parametrize("mode", ["bicubic", "area"])
def test_floats_brought_to_8_bits_are_named(mode, to_8_bits, words, case):
    found = said(case, to_8_bits(pytorchs(mode)(case.content.decoded, SIZE)) / 255)
    assert named(FLOATS, found) == {f"{TORCH} '{mode}'"}
    assert found.removeprefix("it was ").endswith(words) or f"{words}, to" in found


# By interpolation without INTER_: what OpenCV 4.14 and 5.0 make of `curves` at 6x4 px, bytes of (6, 4, 3) in base 64.
OPENCVS = {
    "NEAREST": "ADJkcKLUN2mbXI7ALV+RwV9ktUE0B4H79SdZuU5K6YeMdx4sXY/BUd3QvW2Eh8L9ZZfJiQz2MfMcN58HDT9xYdtVRYC7hxwY",
    "LINEAR": "LXbAXKCJZ0pMTZxAwmRRcGSdabNThjQ11C9heVt7VoK7UaxPp0AmgGaMPJZbsDVqS091hV+Ca2F4oxdLUq48gE+GnFtIk05E",
    "LINEAR_EXACT": "LXfAXKCJZ0pMTZxAwmRRcGSdabNThjQ11C9heVt7VoK7UaxPp0AmgGaNPJZcsTVqS091hl+Ca2F4oxdLUq48gE+GnFtIk09E",
    "CUBIC": "KXHXRL14Vzk1R7k1zkZDWmClXL0wkQ8Y6h9Zf1JtTHzXSL5NvTMPhlaNHKlWtiZoLEp1g1SSU15ypwA+SbgweC6ZlUIskUQ9",
    "AREA": "P2qQgIyMeod5c2huj5Z6fneIgqd6a5J7hHiPdn2FfYeSnHRyhWyAg5R8ioCAdY+LfYB8iIN5inuEkGRofHl1g45ujnqEo4Nb",
    "LANCZOS4": "KnXgONR0TTw3QMA10DxAQ1usVc8dnwgO5yNYhlVwUHzeRcFRwTQOilqSGK5VtSJoIVB2iVqMWWdprAA1RrI3XSqniEQgkEk6",
}


def curves():
    y, x, channel = np.mgrid[:23, :19, :3]
    return ((x * x * 7 + y * y * 5 + x * y * 3 + channel * 50 + (x * y * channel) % 17 * 9) % 256).astype(np.uint8)


@pytest.mark.parametrize("name", OPENCVS)
def test_opencvs_8_bits_are_named(name, tmp_path):
    picture = np.frombuffer(base64.b64decode(OPENCVS[name]), np.uint8).reshape(6, 4, 3)
    words = said(pictured(curves(), (6, 4), tmp_path), picture / 255)
    assert {it for it in OPENCVS if re.search(rf"INTER_{it}\b", words)} == {name}
    assert words.startswith("no filter") == (name == "LANCZOS4")  # whose weights are rounded to 11 bits


def test_the_nearest_is_said_not_to_be_exact(case):
    """PyTorch rounds 8-bit pictures after each pass by weights of 16 bits: now and then a value is one lower."""
    from torchvision.transforms.v2.functional import resize as by_torchvision

    batch = torch.tensor(to_bytes(case.content.decoded)).movedim(-1, 0)
    picture = by_torchvision(batch, list(SIZE), antialias=False).movedim(0, -1).numpy() / 255
    steps = float(
        re.fullmatch("no filter gives it exactly; the nearest is (.*), (.*) of 255 .*", said(case, picture))[2]
    )
    assert 0 < steps < 0.05
    assert "bilinear, not antialiased, rounded to 8 bits after each pass" in said(case, picture)


def test_filters_that_coincide_are_all_named(tmp_path):
    """At half the width and height, a box, its area and whole pixels are the same, and so are two of the nearest."""
    picture = np.random.default_rng(0).integers(0, 256, (74, 68, 3)).astype(np.uint8)
    case = pictured(picture, SIZE, tmp_path)
    means = (picture.reshape(37, 2, 34, 2, 3) / 255).mean(axis=(1, 3))
    functions = [*FLOATS, "OpenCV's INTER_AREA", "OpenCV's INTER_LINEAR"]
    found = named(functions, said(case, means))
    assert {"Pillow's BOX", f"{TORCH} 'area'", f"{TF} 'area'", *functions[-2:], f"{TORCH} 'bilinear'"} <= found
    assert all(np.allclose(FLOATS[it](case.content.decoded, SIZE), means, atol=1e-5) for it in found & FLOATS.keys())


def test_a_picture_whose_middle_is_cut_out_is_named(case, photographs):
    from keras.utils import img_to_array  # noqa: F401  Keras takes its backend before smart_resize
    from tensorflow.keras.preprocessing.image import smart_resize
    from torchvision.transforms.v2.functional import center_crop
    from torchvision.transforms.v2.functional import resize as by_torchvision

    found = said(photographs, smart_resize(photographs.content.decoded, SIZE))
    assert named(FLOATS, found) == {f"{TORCH} 'bilinear'", f"{TF} 'bilinear'"}
    assert ", of the picture's middle alone" in found
    batch = torch.tensor(photographs.content.decoded).movedim(-1, 0)
    cut = center_crop(by_torchvision(batch, [SIZE[0]]), list(SIZE)).movedim(0, -1).numpy()
    found = said(photographs, cut)
    assert f"{TORCH} 'bilinear' with antialias" in found
    assert ", to a size from which the middle is cut out" in found


def test_exchanged_sides_are_named(photographs):
    """A function that wants (width, height) is given (height, width), and the result is reshaped."""
    height_px, width_px = SIZE
    found = said(photographs, resize(photographs.content.decoded, width_px, height_px).reshape(*SIZE, 3))
    assert "Pillow's LANCZOS" in found
    assert ", to (width, height) in the place of (height, width), and reshaped" in found


def test_nothing_is_said_of_the_right_picture_nor_of_one_that_no_filter_makes(case):
    right = resize(case.content.decoded, *SIZE)
    assert diagnose(case, {"content/decoded": case.content.decoded, NAME: right}).healthy
    noise = np.random.default_rng(0).random(right.shape, np.float32)
    assert said(case, noise) == "no known trap explains it"


def test_all_filters_together_take_less_than_a_second(photographs):
    right = resize(photographs.content.decoded, *SIZE)
    judge = Judge.of(photographs, {NAME: right[::-1]}, "float32")
    start_s = time.thread_time()
    assert not list(resized_otherwise(NAME, right[::-1], judge))
    assert time.thread_time() - start_s < 1
