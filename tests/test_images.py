"""Pictures in and out: every format and mode, the resize against Pillow's own, and the atomic save."""

import os
import re
import warnings

import numpy as np
import pytest
from full_disk import no_room
from PIL import Image as Pillow

from common import RosettaError, load_image, resize, samples, save_image
from common.errors import exit_code
from common.images import WRITABLE, extent_for, parse_size, to_bytes
from common.recipes.recipe import Exactly, LongestSide

RGB = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8)
GREY16 = np.random.default_rng(1).integers(0, 65536, (5, 7)).astype(np.uint16)
# What a viewer does to the stored picture, by the EXIF orientation 1 to 8.
TURNED = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: np.rot90,
}


def saved(path, picture, **options):
    picture = picture if isinstance(picture, Pillow.Image) else Pillow.fromarray(picture)
    picture.save(path, **options)
    return load_image(path)


def grey(values):
    """A greyscale picture as the RGB that is expected of it."""
    return np.repeat(np.asarray(values, np.float32)[..., None], 3, axis=2)


@pytest.mark.parametrize("ending", [".jpg", ".JPG", ".jpeg", ".webp", ".WEBP"])
def test_a_lossy_format_has_the_quality_whatever_the_case_of_its_ending(tmp_path, ending):
    save_image(tmp_path / f"ours{ending}", RGB / 255)
    options = {"quality": 95} if ending.lower() == ".webp" else {"quality": 95, "subsampling": 0}
    Pillow.fromarray(RGB).save(tmp_path / f"wanted{ending}", **options)
    assert (tmp_path / f"ours{ending}").read_bytes() == (tmp_path / f"wanted{ending}").read_bytes()


def test_a_saved_picture_has_the_permissions_of_any_new_file(tmp_path):
    """And the process keeps its umask."""
    before = os.umask(0o027)
    try:
        save_image(tmp_path / "a.png", RGB / 255)
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)
    assert (tmp_path / "a.png").stat().st_mode & 0o777 == 0o640


def refusal(path):
    with pytest.raises(RosettaError) as caught:
        load_image(path)
    assert len(str(caught.value).splitlines()) == 1
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif", "a.TIFF", "a.webp"])
def test_lossless_formats_come_back_exactly(tmp_path, name):
    image = saved(tmp_path / name, RGB, **({"lossless": True} if name.endswith("webp") else {}))
    assert image.dtype == np.float32
    np.testing.assert_array_equal(image, RGB / np.float32(255))


@pytest.mark.parametrize("name", ["a.jpg", "a.webp"])
def test_lossy_formats_come_back_nearly(tmp_path, name):
    smooth = load_image(samples.CONTENT.path)[:64, :80]
    save_image(tmp_path / name, smooth)
    assert np.abs(load_image(tmp_path / name) - smooth).mean() < 0.01


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("stored", [RGB, GREY16], ids=["rgb", "grey16"])
@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_exif_orientation_is_applied(tmp_path, name, stored, orientation):
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    upright = TURNED[orientation](stored) / np.iinfo(stored.dtype).max
    image = saved(tmp_path / name, stored, exif=exif)
    np.testing.assert_allclose(image, upright if upright.ndim == 3 else grey(upright), atol=1e-7)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_is_laid_over_white(tmp_path, mode):
    layer = Pillow.new(mode, (3, 2), (0, 64) if mode == "LA" else (0, 0, 0, 64))
    np.testing.assert_allclose(saved(tmp_path / "a.png", layer), 1 - 64 / 255, atol=0.5 / 255)


@pytest.mark.parametrize("mode", ["P", "L"])
def test_a_transparent_index_is_white(tmp_path, mode):
    picture = Pillow.new(mode, (2, 1))
    picture.putdata([0, 1])
    if mode == "P":
        picture.putpalette([10, 20, 30, 40, 50, 60])
    image = saved(tmp_path / "a.png", picture, transparency=0)
    np.testing.assert_allclose(image[0] * 255, [[255] * 3, [40, 50, 60] if mode == "P" else [1] * 3], atol=1e-4)


def test_palette(tmp_path):
    picture = Pillow.fromarray(RGB).quantize(colors=35)
    np.testing.assert_array_equal(saved(tmp_path / "a.png", picture) * 255, np.asarray(picture.convert("RGB")))


def test_one_bit(tmp_path):
    bits = RGB[..., 0] > 127
    np.testing.assert_array_equal(saved(tmp_path / "a.png", Pillow.fromarray(bits)), grey(bits))


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.bmp"])
def test_greyscale(tmp_path, name):
    np.testing.assert_array_equal(saved(tmp_path / name, RGB[..., 0]), grey(RGB[..., 0] / np.float32(255)))


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_sixteen_bits_keep_their_precision(tmp_path, name):
    np.testing.assert_allclose(saved(tmp_path / name, GREY16), grey(GREY16 / 65535), atol=1e-7)


@pytest.mark.parametrize(("ink", "rgb"), [((0, 255, 255, 0), (1, 0, 0)), ((0, 0, 0, 255), (0, 0, 0)), ((0,) * 4, 1)])
@pytest.mark.parametrize("name", ["a.jpg", "a.tif"])
def test_cmyk(tmp_path, name, ink, rgb):
    image = saved(tmp_path / name, Pillow.new("CMYK", (8, 8), ink))
    np.testing.assert_allclose(image, np.broadcast_to(rgb, (8, 8, 3)), atol=2 / 255)


def test_a_missing_file_is_refused(tmp_path):
    assert "there is no picture" in refusal(tmp_path / "none.png")


def test_a_folder_is_refused(tmp_path):
    assert "is a folder" in refusal(tmp_path)


def test_what_is_odd_in_a_file_is_one_warning_that_names_it(tmp_path, capsys):
    """And on the command line one clean note, however often Pillow opens the file."""
    orientation_beyond_the_file = b"II*\0\x08\0\0\0\x02\0" + b"\x12\x01\x03\0\xff\xff\xff\x7f\0\0\0\x7f" * 2
    path = tmp_path / "odd.jpg"
    Pillow.fromarray(RGB).save(path, exif=b"Exif\0\0" + orientation_beyond_the_file)
    with pytest.warns(UserWarning, match=r"odd\.jpg': .*Skipping tag 274") as warned:
        image = load_image(path)
    assert (image.shape, len(warned)) == (RGB.shape, 1)

    def run():
        warnings.filterwarnings("default", message=".*odd.jpg")
        load_image(path)
        with Pillow.open(path) as file:
            file.getexif()
        return 0

    exit_code("compare.py", run)
    note = capsys.readouterr().err
    assert re.fullmatch(r"note: '.*odd\.jpg': [^\n]*Skipping tag 274[^\n]*\n", note)


def test_a_text_file_is_refused(tmp_path):
    path = tmp_path / "a.png"
    path.write_text("not a picture, whatever its name says\n")
    assert "not a picture" in refusal(path)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif", "a.bmp"])
def test_a_truncated_file_is_refused(tmp_path, name):
    path = tmp_path / name
    save_image(path, load_image(samples.CONTENT.path)[:64, :64])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refusal(path)


def test_floating_point_is_refused(tmp_path):
    Pillow.fromarray(np.ones((2, 2), np.float32)).save(tmp_path / "a.tif")
    assert "floating point" in refusal(tmp_path / "a.tif")


def test_32_bit_integers_are_refused(tmp_path):
    Pillow.fromarray(np.full((2, 2), 70000, np.int32)).save(tmp_path / "a.tif")
    assert "32-bit" in refusal(tmp_path / "a.tif")


def test_gif_is_refused(tmp_path):
    Pillow.new("P", (2, 2)).save(tmp_path / "a.gif")
    assert "JPEG, PNG, WebP, TIFF or BMP" in refusal(tmp_path / "a.gif")


@pytest.mark.parametrize("extent", [(9, 45), (62, 20), (31, 18)])
def test_resize_keeps_a_constant(extent):
    image = resize(np.full((31, 17, 3), 0.3, np.float32), *extent)
    assert image.shape == (*extent, 3)
    np.testing.assert_allclose(image, 0.3, atol=1e-6)


def test_resize_to_the_same_size_changes_nothing(content):
    np.testing.assert_array_equal(resize(content, *content.shape[:2]), content)


def test_resize_antialiases():
    checkerboard = grey(np.indices((40, 40)).sum(axis=0) % 2)
    np.testing.assert_allclose(resize(checkerboard, 10, 10), 0.5, atol=0.01)


def test_resize_clips_the_overshoot_of_lanczos():
    edge = grey(np.repeat([[0.0] * 8 + [1.0] * 8], 16, axis=0))
    image = resize(edge, 40, 40)
    assert image.dtype == np.float32
    assert (image.min(), image.max()) == (0, 1)


@pytest.mark.parametrize("extent", [(50, 60), (100, 333), (300, 225)])
def test_resize_agrees_with_pillow(extent):
    """Pillow rounds to 8 bits after each of its two passes, hence up to 0.5 + 0.5 and a little for overshoot."""
    height, width = extent
    with Pillow.open(samples.CONTENT.path) as picture:
        expected = np.asarray(picture.convert("RGB").resize((width, height), Pillow.Resampling.LANCZOS))
    differences = np.abs(resize(load_image(samples.CONTENT.path), height, width) * 255 - expected)
    assert differences.max() < 1.25
    assert differences.mean() < 0.3


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (Exactly(10, 20), (10, 20)),
        (LongestSide(150), (100, 150)),
        (LongestSide(600), (400, 600)),
        (LongestSide(600, only_shrink=True), (200, 300)),
        (LongestSide(150, only_shrink=True), (100, 150)),
        (LongestSide(1), (1, 1)),
    ],
)
def test_extent_for(size, expected):
    assert extent_for(size, 200, 300) == expected
    if isinstance(size, LongestSide):
        assert extent_for(size, 300, 200) == expected[::-1]


def test_parse_size():
    assert parse_size("288") == LongestSide(288)
    assert parse_size("192x288") == parse_size("192X288") == Exactly(192, 288)


NO_SIZES = ["", "0", "-5", "1.5", "x", "12x", "x12", "1x2x3", "0x5", "65536", "big", "12 x 5", "16385", "²", "9" * 5000]
NO_SIZES += ["0000163849999", "0" * 5000 + "5"]


@pytest.mark.parametrize("text", NO_SIZES)
def test_a_bad_size_is_refused(text):
    with pytest.raises(RosettaError, match=r"give the longest side .* from 1 to 16384 pixels a side"):
        parse_size(text)


def test_the_largest_size_is_one():
    assert parse_size("16384x1") == Exactly(16384, 1)


def test_to_bytes_rounds_and_clips():
    values = np.array([-1, 0, 0.4 / 255, 0.6 / 255, 127.6 / 255, 254.6 / 255, 1, 2])
    assert to_bytes(values).tolist() == [0, 0, 0, 1, 128, 255, 255, 255]


def test_every_byte_survives_a_png(tmp_path):
    image = (np.arange(256 * 3).reshape(16, 16, 3) % 256).astype(np.float32) / 255
    save_image(tmp_path / "a.png", image)
    np.testing.assert_array_equal(load_image(tmp_path / "a.png"), image)


@pytest.mark.parametrize("ending", WRITABLE)
def test_every_ending_can_be_written_and_read(tmp_path, ending):
    save_image(tmp_path / f"a{ending}", RGB / 255)
    assert load_image(tmp_path / f"a{ending}").shape == RGB.shape


def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    def fail(picture, stream, **options):
        stream.write(b"half a picture")
        raise OSError("the disk is full")

    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    monkeypatch.setattr(Pillow.Image, "save", fail)
    with pytest.raises(RosettaError, match=r"cannot save .*disk is full"):
        save_image(path, RGB / 255)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("ending", WRITABLE)
def test_no_format_is_half_written_on_a_full_disk(tmp_path, ending):
    path = tmp_path / f"a{ending}"
    path.write_bytes(b"old")
    with no_room(), pytest.raises(RosettaError, match=r"\(File too large\): make room"):
        save_image(path, np.random.default_rng(0).random((100, 100, 3)), "a description")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_saved_file_has_ordinary_permissions(tmp_path):
    (tmp_path / "ordinary").touch()
    save_image(tmp_path / "a.png", RGB / 255)
    assert (tmp_path / "a.png").stat().st_mode == (tmp_path / "ordinary").stat().st_mode


@pytest.mark.parametrize("name", ["a", "a.gif", "a.pdf", "png", "none/a.png", "folder.png"])
def test_what_cannot_be_saved_is_refused(tmp_path, name):
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(RosettaError, match="cannot save") as caught:
        save_image(tmp_path / name, RGB / 255)
    assert str(tmp_path / name) in str(caught.value)
    assert list(tmp_path.rglob("*")) == [tmp_path / "folder.png"]
