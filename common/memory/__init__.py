"""The peak memory of transfers before a framework is imported: in come recipes and sizes, out bytes, or a refusal."""

from common.memory.check import AtOnce, check_memory, largest_size, peak_bytes, tile_that_fits
from common.memory.estimate import OracleRun, Transfer
from common.memory.machine_memory import MachineMemory
