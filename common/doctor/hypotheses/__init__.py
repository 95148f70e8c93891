"""A case in; out come the known traps, each with the faults of the reference that reproduce it there."""

from common.doctor.hypotheses.catalogue import TRAPS, hypotheses
from common.doctor.hypotheses.inputs import OTHER_TRAINING
from common.doctor.hypotheses.network import TURNED_DECISIONS
from common.doctor.hypotheses.trap import Fault, Trap
