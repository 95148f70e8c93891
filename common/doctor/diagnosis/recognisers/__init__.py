"""What a tensor is in the place of what it should be, in closed form: a factor, a form, another layer, another rule.

In comes a tensor and what follows from the port's own tensors before it; out comes one claim that fits to rounding, or
none. The network is run anew for what has no name: the gradient of each term, and other layers of a picture.
"""

from collections.abc import Callable, Iterator

import numpy as np

from common.doctor.diagnosis.findings import Clue
from common.doctor.diagnosis.judge import Judge
from common.doctor.diagnosis.recognisers.formats import all_of_a_format, damaged
from common.doctor.diagnosis.recognisers.gradients import changed_afterwards, gradient_of_the_input, made_of_other_parts
from common.doctor.diagnosis.recognisers.grams import gram_of_another_kind, map_of_another_layer
from common.doctor.diagnosis.recognisers.losses import (
    scales_of,
    sum_of_other_terms,
    term_of_another_kind,
    weight_of_a_term,
    weight_of_terms,
)
from common.doctor.diagnosis.recognisers.pictures import another_normalisation, another_picture
from common.doctor.diagnosis.recognisers.places import in_its_place
from common.doctor.diagnosis.recognisers.points import answers_late, rule_of_points
from common.doctor.diagnosis.recognisers.resizing import resized_otherwise
from common.doctor.diagnosis.recognisers.steps import gradients_added_up, points_a_step_early, rule_of_steps
from common.doctor.diagnosis.recognisers.total_variation import another_total_variation
from common.doctor.diagnosis.recognisers.values import changed_in_place, known_factor
from common.tensors import Array

__all__ = ["damaged", "recognised", "scales_of"]

_Recogniser = Callable[[str, Array, Judge], Iterator[Clue]]
_RECOGNISERS: tuple[_Recogniser, ...] = (
    points_a_step_early,
    gradients_added_up,
    answers_late,
    in_its_place,
    another_picture,
    sum_of_other_terms,
    weight_of_terms,
    changed_afterwards,
    known_factor,
    made_of_other_parts,
    gradient_of_the_input,
    gram_of_another_kind,
    map_of_another_layer,
    another_total_variation,
    term_of_another_kind,
    weight_of_a_term,
    rule_of_steps,
    rule_of_points,
    another_normalisation,
    changed_in_place,
    resized_otherwise,
    all_of_a_format,
)


def recognised(name: str, got: Array, judge: Judge) -> Clue | None:
    """The first claim that fits a tensor to its tolerance."""
    if not np.isfinite(got).all():
        return None
    with np.errstate(all="ignore"):  # a form may overflow, and then it does not fit
        return next(_claims(name, got, judge), None)


def _claims(name: str, got: Array, judge: Judge) -> Iterator[Clue]:
    for recogniser in _RECOGNISERS:
        yield from recogniser(name, got, judge)
