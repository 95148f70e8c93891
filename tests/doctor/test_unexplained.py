"""What is said of a difference that no trap explains: numbers that are true of arrays made for it."""

import numpy as np
import pytest

from common.doctor.diagnosis.unexplained import facts

GENERATOR = np.random.default_rng(0)
RIGHT = GENERATOR.normal(1, 1, (24, 20, 8))
ROWS, COLUMNS = np.mgrid[:24, :20]
WAVE = np.cos(2 * np.pi * ROWS / 24)[..., None]
BOARD = ((-1.0) ** (ROWS + COLUMNS))[..., None]
EDGE = np.pad(np.zeros((20, 16, 8)), ((2, 2), (2, 2), (0, 0)), constant_values=1.0)


@pytest.mark.parametrize(
    ("got", "words"),
    [
        (1.5 * RIGHT, "it is 1.5 times what it should be"),
        (RIGHT + 0.25, "it is what it should be plus 0.25"),
        (RIGHT * np.arange(1, 9) + 3, "each channel is an affine function"),
        (RIGHT + EDGE, "100% of the squared difference lie within 2 positions of the border"),
        (RIGHT[:, ::-1], "it fits when mirrored"),
        (RIGHT[..., ::-1], "it fits when with its channels reversed"),
        (-RIGHT, "100.0% of the signs differ"),
        (RIGHT + WAVE, "100% of the squared difference is coarser than 8 positions"),
        (RIGHT + BOARD, "0% of the squared difference is coarser than 8 positions"),
        (RIGHT.astype(np.float16), "all its values are such as float16 can hold"),
        (RIGHT[1:], "its shape is (23, 20, 8) and should be (24, 20, 8)"),
        (np.where(RIGHT.max() - 1e-9 < RIGHT, np.nan, RIGHT), "1 of its 3840 values are not finite"),
    ],
)
def test_what_is_known_is_said(got, words):
    assert words in facts(got, RIGHT)


def test_of_a_number_only_the_factor_is_known():
    assert facts(np.asarray(3.0), np.asarray(2.0)) == "it is 1.5 times what it should be, to 0.0e+00"
