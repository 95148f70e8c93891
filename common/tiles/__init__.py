"""Pictures in tiles: a problem with a tile size comes in, and the objective of the whole picture goes out, exactly.

The style loss depends on a picture by its Gram matrices alone, which are sums over positions. A first pass over the
tiles adds them up; the gradient of the loss at each is a matrix that all tiles share; a second pass computes the
gradient of each tile. The memory of the network is that of one tile.
"""

from common.tiles.network import ContentTarget, TileNetwork
from common.tiles.objective import TiledObjective
from common.tiles.worker import TileTask, TileWorker, Workers, WorkersOf
