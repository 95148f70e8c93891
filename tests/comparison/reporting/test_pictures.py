"""How far apart two pictures are, against closed forms."""

from dataclasses import replace

import matplotlib
import numpy as np
import pytest
import report_samples as samples

from common.comparison import NamedRow
from common.comparison.reporting import picture_files, report_of
from common.comparison.reporting.pictures import HEAT_MAP_FULL, compare_pictures


def flat(value, height_px=9, width_px=12):
    return np.full((height_px, width_px, 3), value, np.float32)


@pytest.fixture
def picture():
    return np.random.default_rng(0).random((16, 11, 3), np.float32)


def test_equal_pictures_have_no_psnr_full_similarity_and_a_black_heat_map(picture):
    found = compare_pictures(picture, picture.copy())
    assert found.psnr_db is None
    assert found.ssim == pytest.approx(1.0, abs=1e-6)
    assert np.array_equal(found.heat_map, np.broadcast_to(magma(0.0), picture.shape))


@pytest.mark.parametrize(("difference", "psnr_db"), [(1.0, 0.0), (0.1, 20.0), (0.01, 40.0), (0.001, 60.0)])
def test_a_tenth_of_the_difference_is_twenty_decibels(difference, psnr_db):
    assert compare_pictures(flat(0.0), flat(difference)).psnr_db == pytest.approx(psnr_db, abs=1e-4)


def test_the_psnr_is_of_the_mean_square_over_all_pixels_and_channels(picture):
    other = picture.copy()
    other[3, 4, 1] = 1 - other[3, 4, 1]
    mean_square = (1 - 2 * float(picture[3, 4, 1])) ** 2 / picture.size
    assert compare_pictures(picture, other).psnr_db == pytest.approx(-10 * np.log10(mean_square), abs=1e-4)


@pytest.mark.parametrize(("one", "other"), [(0.0, 1.0), (0.25, 0.5), (0.5, 0.51)])
def test_the_similarity_of_flat_pictures_is_that_of_their_means(one, other):
    c1 = 0.01**2  # Wang et al. 2004 for a range of 1; without variance the second factor is 1
    expected = (2 * one * other + c1) / (one**2 + other**2 + c1)
    assert compare_pictures(flat(one), flat(other)).ssim == pytest.approx(expected, abs=1e-3)


def test_a_negative_is_not_similar(picture):
    assert compare_pictures(picture, 1 - picture).ssim < 0


@pytest.mark.parametrize(
    ("height_px", "width_px", "large"), [(7, 7, True), (6, 7, False), (7, 6, False), (1, 1, False)]
)
def test_pictures_smaller_than_the_window_have_no_similarity(height_px, width_px, large):
    found = compare_pictures(flat(0.2, height_px, width_px), flat(0.4, height_px, width_px))
    assert (found.ssim is not None) is large
    assert found.psnr_db == pytest.approx(-20 * np.log10(0.2), abs=1e-4)


def test_which_picture_is_first_does_not_matter(picture):
    other = np.random.default_rng(1).random(picture.shape, np.float32)
    one_way, other_way = compare_pictures(picture, other), compare_pictures(other, picture)
    assert one_way.psnr_db == other_way.psnr_db
    assert one_way.ssim == pytest.approx(other_way.ssim, abs=1e-9)
    assert np.array_equal(one_way.heat_map, other_way.heat_map)


def magma(fraction):
    return np.float32(matplotlib.colormaps["magma"](fraction)[:3])


@pytest.mark.parametrize("per_channel", [(0.3, 0.3, 0.3), (0.9, 0.0, 0.0), (0.0, -0.45, 0.45)])
def test_the_heat_map_shows_the_mean_difference_of_the_channels_where_it_is(per_channel):
    one, other = flat(0.5), flat(0.5)
    one[2, 5], other[2, 5] = 0.5 + np.float32(per_channel) / 2, 0.5 - np.float32(per_channel) / 2
    heat_map = compare_pictures(one, other).heat_map
    assert np.abs(heat_map[2, 5] - magma(0.3 / HEAT_MAP_FULL)).max() < 0.02  # a shade is a 256th of the map
    assert np.argwhere((heat_map != magma(0.0)).any(axis=2)).tolist() == [[2, 5]]


@pytest.mark.parametrize("difference", [0.5, 0.75, 1.0])
def test_half_the_range_is_as_bright_as_the_heat_map_gets(difference):
    heat_map = compare_pictures(flat(0.0), flat(difference)).heat_map
    assert np.array_equal(heat_map, np.broadcast_to(magma(1.0), heat_map.shape))


def test_the_heat_map_is_a_picture():
    heat_map = compare_pictures(flat(0.0), flat(0.3)).heat_map
    assert (heat_map.shape, heat_map.dtype) == ((9, 12, 3), np.float32)
    assert heat_map.min() >= 0
    assert heat_map.max() <= 1


def test_a_difference_too_small_for_its_square_is_no_error():
    other = flat(0.0)
    other[0, 0, 0] = 1e-30
    found = compare_pictures(flat(0.0), other)
    assert found.psnr_db is None or found.psnr_db > 100


def test_every_picture_of_a_report_has_a_name_that_is_known_before_the_run():
    """By which none replaces a picture that is read."""
    alike = (NamedRow("a/b", "torch"), NamedRow("a b", "torch"))  # names that differ in odd letters alone
    request = replace(samples.REQUEST, modes=None, named_rows=alike, sizes=("256", "128"))
    results = tuple(samples.measured(row, 1.0) for row in request.rows)
    _, pictures = report_of(samples.Finished(results, request=request), complete=True)
    written = set(pictures) - {"content", "style"}
    assert len([name for name in written if "-and-" not in name]) == len(request.rows)
    assert written < set(picture_files(request))
