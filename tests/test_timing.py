"""What is made of a run's durations."""

import numpy as np

from common.comparison.timing import summarise
from common.results import LossTerms, RunResult, Step

TERMS = LossTerms({}, {"relu1_1": 2.0}, 1.0)
PROCESS = {"import_s": 4.0, "weights_s": 0.5, "peak_memory_bytes": 10}


def run(*durations_s, stages=None):
    stages = stages or [1] * len(durations_s)
    steps = [
        Step(number, stage, 0.0, duration_s, TERMS)
        for number, (stage, duration_s) in enumerate(zip(stages, durations_s, strict=True), start=1)
    ]
    return RunResult(np.zeros((1, 1, 3), np.float32), TERMS, tuple(steps), setup_s=0.25)


def test_the_first_evaluation_is_not_among_the_steady_ones():
    timing = summarise(run(9.0, 1.0, 2.0, 3.0, 4.0, 5.0), PROCESS)
    assert timing.first_evaluation_s == 9
    assert timing.steady_median_s == 3
    assert timing.steady_quartiles_s == (2, 4)
    assert timing.steady_count == 5
    assert (timing.import_s, timing.setup_s, timing.final_loss) == (4, 0.75, 3)


def test_only_the_last_stage_counts():
    timing = summarise(run(1.0, 1.0, 7.0, 2.0, 2.0, stages=[1, 1, 2, 2, 2]), PROCESS)
    assert (timing.first_evaluation_s, timing.steady_median_s, timing.steady_count) == (7, 2, 2)


def test_a_single_evaluation_is_first_and_steady():
    timing = summarise(run(6.0), PROCESS)
    assert (timing.first_evaluation_s, timing.steady_median_s, timing.steady_count) == (6, 6, 1)
