"""Runs that can be interrupted: in come a folder and what the run is of, out goes where the run goes on."""

from common.checkpoints.checkpoints import Checkpoints
from common.checkpoints.run_folder import RunFolder, line_of
from common.checkpoints.state import Evaluated, State, Told, checksum_of
