"""What an interrupted run needs to go on: a folder keeps it, and a run reads and writes it."""

from common.checkpoints.checkpoints import Checkpoints
from common.checkpoints.run_folder import LOSSES, STATE, RunFolder, step_as_json_line
from common.checkpoints.state import Evaluated, State, Told, checksum_of
