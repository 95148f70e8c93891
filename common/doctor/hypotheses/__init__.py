"""A case in; out come the known traps, each with the faults of the reference that reproduce it there."""

from common.doctor.hypotheses.catalogue import TRAPS, Hypothesis, hypotheses
from common.doctor.hypotheses.network import TURNED_DECISIONS
from common.doctor.hypotheses.trap import Trap
from common.doctor.hypotheses.weights import OTHER_TRAINING
