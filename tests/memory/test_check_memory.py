"""What is refused, what is only said, and the size that is named."""

import re
from dataclasses import replace

import pytest

from common import Exactly, LongestSide, RosettaError, find_recipe, with_size
from common.backend import BACKENDS
from common.errors import OutOfMemoryError
from common.images import parse_size
from common.memory import MachineMemory, Transfer, check_memory, largest_size, peak_bytes, tile_that_fits

RECIPE = find_recipe("d2l")
GB = 10**9


def transfer(size):
    return Transfer(BACKENDS["torch"], with_size(RECIPE, size), (300, 450), (512, 512))


def named(text):
    return re.search(r"--size (\S+)", text)[1]


def test_what_fits_is_not_mentioned(capsys):
    check_memory([[transfer(LongestSide(512))]], MachineMemory(8 * GB, 4 * GB))
    assert capsys.readouterr().err == ""


def test_more_than_is_free_is_a_note_with_the_largest_size(capsys):
    memory = MachineMemory(10 * GB, 2 * GB)
    check_memory([[transfer(LongestSide(2048))]], memory)
    said = capsys.readouterr().err
    assert said.startswith("note: 1365x2048 pixels take about ")
    assert "2.0 GB are free" in said
    assert said.count("\n") == 1
    assert transfer(parse_size(named(said))).peak_bytes <= memory.free_bytes


def test_more_than_there_is_is_refused_with_the_largest_size():
    memory = MachineMemory(3 * GB, 2 * GB)
    with pytest.raises(OutOfMemoryError, match=r"^1365x2048 pixels take about .* GB of memory, and there are 3.0 GB"):
        check_memory([[transfer(LongestSide(2048))]], memory)
    assert issubclass(OutOfMemoryError, RosettaError)


@pytest.mark.parametrize("size", [LongestSide(300), Exactly(200, 300)])
def test_the_largest_size_is_the_largest(size):
    step = [transfer(size)]
    limit = 2 * GB
    found = parse_size(largest_size([step], limit))
    assert type(found) is type(size)
    larger = (
        Exactly(found.height_px + 2, found.width_px + 3) if type(found) is Exactly else LongestSide(found.side_px + 1)
    )
    assert peak_bytes(step, found) <= limit < peak_bytes(step, larger)


def test_steps_at_once_add_up_and_those_after_one_another_do_not():
    one = transfer(LongestSide(512))
    assert peak_bytes([one, one]) == 2 * one.peak_bytes
    memory = MachineMemory(*[int(1.5 * one.peak_bytes)] * 2)
    check_memory([[one], [one]], memory)
    with pytest.raises(OutOfMemoryError):
        check_memory([[one], [one, one]], memory)


def test_where_nothing_fits_no_size_is_named():
    with pytest.raises(OutOfMemoryError, match=r"not even the smallest picture fits into that$"):
        check_memory([[transfer(LongestSide(512))]], MachineMemory(GB // 10, GB // 10))


def test_the_first_stage_of_several_may_be_the_largest():
    recipe = replace(RECIPE, stages=(replace(RECIPE.stages[0], size=LongestSide(2048)), RECIPE.stages[-1]))
    several = Transfer(BACKENDS["torch"], recipe, (300, 450), (512, 512))
    with pytest.raises(OutOfMemoryError, match=r"^1365x2048 pixels"):
        check_memory([[several]], MachineMemory(2 * GB, 2 * GB))


def test_the_tile_is_the_largest_that_fits_with_room_to_spare(capsys):
    whole, memory = transfer(LongestSide(4096)), MachineMemory(8 * GB, 6 * GB)
    tile_px = tile_that_fits(whole, memory)
    said = capsys.readouterr().err
    assert said.startswith("note: 2731x4096 pixels take about ")
    assert f"6.0 GB are free: computes in tiles of {tile_px} pixels, which gives the same picture" in said
    peaks = [replace(whole, tile_px=it).peak_bytes for it in (tile_px, tile_px + 64)]
    assert peaks[0] <= 0.85 * 6 * GB < peaks[1]


def test_what_fits_needs_no_tile(capsys):
    assert tile_that_fits(transfer(LongestSide(512)), MachineMemory(8 * GB, 6 * GB)) is None
    assert capsys.readouterr().err == ""


def test_where_no_tile_fits_the_refusal_speaks_alone(capsys):
    tile_px = tile_that_fits(transfer(LongestSide(4096)), MachineMemory(GB, GB))
    assert tile_px == 2 * 192
    assert capsys.readouterr().err == ""
