"""Statistics of timings, the roofline, convergence, and contention for the machine."""

from common.comparison.measurement.contention import QUIET, Others
from common.comparison.measurement.convergence import Convergence, Reached, common_loss, convergence_of, optimizer_s
from common.comparison.measurement.roofline import Limit, ceiling_flops_per_s, evaluation_flops
from common.comparison.measurement.stats import (
    FEWEST_ROUNDS,
    Ratio,
    Rounds,
    Timing,
    bootstrap_interval,
    paired_ratio,
    summarise,
)
