"""A case in; out come the known traps, each with the faults that reproduce it there, and what ports put for a layer."""

from common.doctor.hypotheses.backward_rules import of_the_gradient
from common.doctor.hypotheses.catalogue import TRAPS, hypotheses
from common.doctor.hypotheses.gram_forms import GRAM_FORMS, of_grams
from common.doctor.hypotheses.inputs import OTHER_TRAINING
from common.doctor.hypotheses.network import TURNED_DECISIONS, other_layers
from common.doctor.hypotheses.substitutes import of_all_layers, of_exchanged_layers, of_one_layer
from common.doctor.hypotheses.trap import Fault, Trap
