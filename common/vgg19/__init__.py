"""The network: its layer table, the preprocessing of its checkpoints, and its weights."""

from common.vgg19.layers import CONVS, LAYERS, NAMES, Layer, Pooling, check_taps, cut, layer, shape_at, smallest_side_px
from common.vgg19.load_weights import load_weights, locate_weights, weight_paths
from common.vgg19.preprocessing import (
    CAFFE,
    IMAGENET,
    SPACES,
    UNIT,
    Affine,
    Family,
    Preprocessing,
    Triple,
    affine_between,
)
from common.vgg19.tiles import Core, Cores, Tile, check_tile, smallest_tile_px, tiles, window_px
from common.vgg19.weight_files import sha256_of
from common.vgg19.weights import Weights, check_vgg19
