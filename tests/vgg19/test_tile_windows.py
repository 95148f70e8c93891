"""How a picture is cut: the cores share it out, no window is too long, and the overlap is what the network needs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import Network, RosettaError, oracle
from common.vgg19 import check_tile, load_weights, shape_at, smallest_side_px, smallest_tile_px, tiles, window_px
from common.vgg19.layers import NAMES
from common.vgg19.tiles import overlap_px

TAPS = st.sets(st.sampled_from(NAMES[:33]), min_size=1, max_size=3)


@given(st.data(), TAPS)
def test_cores_share_out_the_picture_and_every_tap(data, taps):
    tile_px = smallest_tile_px(taps) + data.draw(st.integers(0, 300))
    size_px = tuple(data.draw(st.integers(smallest_side_px(taps), 3 * tile_px)) for _ in range(2))
    cut = tiles(size_px, tile_px, taps)
    for tap in taps:
        covered = np.zeros(shape_at(tap, size_px)[:2], int)
        for tile in cut:
            core, place = tile.cores([tap])[tap], tile.place(tap)
            assert covered[place].size == core.positions > 0
            covered[place] += 1
        assert (covered == 1).all()


@given(st.data(), TAPS)
def test_windows_are_aligned_reach_far_enough_and_are_not_too_long(data, taps):
    tile_px, stride_px = smallest_tile_px(taps) + data.draw(st.integers(0, 300)), smallest_side_px(taps)
    size_px = tuple(data.draw(st.integers(stride_px, 3 * tile_px)) for _ in range(2))
    cut = tiles(size_px, tile_px, taps)
    for tile in cut:
        for side_px, span in zip(size_px, (tile.rows, tile.columns), strict=True):
            (start, stop), (first, last) = span.core, span.window
            assert last - first <= tile_px
            assert start % stride_px == first % stride_px == 0
            assert first == 0 or start - first >= overlap_px(taps)
            assert last == side_px or (last - stop >= overlap_px(taps) and last % stride_px == 0)
    lengths = [tuple(part.stop - part.start for part in tile.window) for tile in cut]
    assert window_px(size_px, tile_px, taps) == tuple(map(max, zip(*lengths, strict=True)))


def test_a_picture_without_tiles_is_one():
    (tile,) = tiles((100, 37), None, ["relu2_1"])
    assert tile.window == (slice(0, 100), slice(0, 37))
    assert tile.cores(["relu2_1"])["relu2_1"].positions == 50 * 18


@pytest.mark.parametrize(
    ("tap", "overlap"), [("conv1_1", 1), ("relu1_2", 2), ("pool1", 2), ("conv2_1", 4), ("relu3_1", 12), ("relu5_1", 80)]
)
def test_the_overlap_by_hand(tap, overlap):
    """conv5_1 sees 16 px; conv4_1 to 4_4 4 x 8, conv3_1 to 3_4 4 x 4, conv2_1 and 2_2 2 x 2, conv1_1 and 1_2 2: 70."""
    assert overlap_px([tap]) == overlap


@pytest.mark.parametrize("tap", ["conv1_2", "relu2_1", "pool2", "relu3_1"])
def test_the_overlap_is_as_far_as_a_pixel_reaches(tap):
    """A pixel just beyond the overlap changes no value of the core, by the oracle; the first within it does."""
    network, stride_px = Network(load_weights("random")), smallest_side_px([tap])
    # Average pools, so that no maximum hides an influence.
    network = Network(network.weights, "average", "float64")
    middle, far = 32, overlap_px([tap])
    image = np.full((64, 8), 0.5)[..., None] * np.ones(3)
    before = oracle.features(image, [tap], network)[tap]

    def change_by(row):
        changed = image.copy()
        changed[row] = 1.0
        after = oracle.features(changed, [tap], network)[tap]
        rows = np.flatnonzero(np.abs(after - before).max((1, 2)) > 0)
        return rows * stride_px

    assert change_by(middle - far - 1).max() < middle
    nearest = max(change_by(row).max() for row in range(middle - far, middle - far + stride_px))
    assert nearest >= middle


def test_too_small_a_tile_is_refused():
    assert smallest_tile_px(["relu5_1"]) == 2 * (80 + 16)
    with pytest.raises(RosettaError, match=r"a tile of 191 pixels is too small: .*by 80 pixels.* at least 192; give"):
        check_tile(191, ["relu1_1", "relu5_1"])
    check_tile(192, ["relu5_1"])
    check_tile(None, ["relu5_1"])
