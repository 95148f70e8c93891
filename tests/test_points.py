"""What one stage hands to the next: moments at another size."""

import numpy as np

from common.points import Moments


def test_even_moments_are_scaled_by_the_number_of_pixels():
    """12x10 to 24x20: a quarter of the gradient for each pixel, a sixteenth of its square."""
    moments = Moments(np.full((12, 10, 3), 8.0), np.full((12, 10, 3), 32.0), 7)
    larger = moments.resized(24, 20)
    np.testing.assert_allclose(larger.mean, np.full((24, 20, 3), 2.0))
    np.testing.assert_allclose(larger.square, np.full((24, 20, 3), 2.0))
    assert larger.steps == 7


def test_squares_stay_positive_and_lie_where_they_lay():
    square = np.zeros((8, 6, 3))
    square[2, 1, 0] = 4.0
    larger = Moments(-square, square, 1).resized(16, 12)
    assert larger.square.min() == 0, "an overshooting filter would make roots of negative numbers"
    rows, columns, _ = np.nonzero(larger.square == larger.square.max())
    assert ({*rows}, {*columns}) == ({4, 5}, {2, 3})
    assert larger.mean.min() < 0 == larger.mean.max()


def test_at_the_same_size_nothing_changes():
    moments = Moments(np.ones((4, 5, 3)), np.ones((4, 5, 3)), 2)
    assert moments.resized(4, 5) is moments
