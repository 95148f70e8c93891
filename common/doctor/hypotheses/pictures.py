"""The traps of pictures: reading a file, resizing, and saving."""

from collections.abc import Iterator
from itertools import product
from typing import get_args

from common.doctor.hypotheses.trap import Fault, Faults, Trap
from common.doctor.reference import FILTERS, Case, Orientation

_ROLES = {("content", "style"): "both pictures", ("content",): "content", ("style",): "style"}


def for_each_picture(faults: Faults) -> Faults:
    """The faults in both pictures, then in one of them."""

    def in_pictures(case: Case) -> Iterator[Fault]:
        for rank, (roles, which) in enumerate(_ROLES.items()):
            for fault in faults(case):
                yield Fault({**fault.changes, "roles": roles}, f"{which}: {fault.detail}", rank)

    return in_pictures


@for_each_picture
def _misread(_: Case) -> Iterator[Fault]:
    for orientation in get_args(Orientation)[1:]:
        yield Fault({"orientation": orientation}, orientation)
    for transparency in ("over black", "ignored"):
        yield Fault({"transparency": transparency}, f"transparency is {transparency}, not laid over white")
    yield Fault({"palette_indices": True}, "palette indices are taken for gray levels")


MISREAD_FILE = Trap(
    number=34,
    title="the orientation, transparency or palette of the image file is ignored or misread",
    fix="apply the EXIF orientation, lay transparency over white, and convert to RGB",
    seen_in="phone photographs, PNGs",
    faults={"file": _misread},
)


def _resized_otherwise(_: Case) -> Iterator[Fault]:
    for eight_bits, name in product((False, True), ("lanczos", *FILTERS)):
        if eight_bits or name != "lanczos":
            rounding = ", rounded to 8 bits" if eight_bits else ""
            yield Fault({"filter": name, "eight_bits": eight_bits}, f"resized by {name}{rounding}")


RESIZED_OTHERWISE = Trap(
    number=24,
    title="the picture is resized by another filter, or rounded to 8 bits after resizing",
    fix="pass the resized pixels to the port, or use the reference's filter, antialiased Lanczos in floating point",
    seen_in="every library has its own default filter",
    faults={"resize": _resized_otherwise},
)


def _saved_otherwise(_: Case) -> Iterator[Fault]:
    for saved in ("truncated", "stretched", "stretched, truncated"):
        yield Fault({"saved": saved}, saved)


SAVED_OTHERWISE = Trap(
    number=33,
    title="the picture is saved with its contrast stretched, or truncated instead of rounded",
    fix="clip to [0, 1], multiply by 255 and round",
    seen_in="the blog post with PyTorch code; Keras",
    faults={"saved": _saved_otherwise},
)
