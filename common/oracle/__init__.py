"""The float64 network and its loss in NumPy, which every implementation is compared with.

Images and a problem come in; features, losses and gradients go out. The functions of layers and losses take `Faults`,
whose defaults are right, so that the port doctor computes what a faulty port would.
"""

from common.oracle.decisions import Flips, below, count_flips, decided_on, deciding_layers, turned
from common.oracle.evaluation import features, losses, value_and_grad
from common.oracle.faults import ALL, UNCHANGED, Arithmetic, Faults, GramNorm, TvForm, TvSpace
from common.oracle.layers import backward, forward, outputs, pooled_px, windows
from common.oracle.losses import gram, gram_gradient, norm_scale
from common.oracle.low_precision import rounded
from common.oracle.total_variation import abs_slopes, tv_gradient, tv_loss
