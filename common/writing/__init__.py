"""Paths in; files out, that are whole, that no other run is writing, and that replace nothing that is read."""

from common.writing.claims import PART_FOLDER, claimed
from common.writing.files import names_to_disk, replacing, to_disk, write_or_keep, write_text
from common.writing.paths import PathLike, check_written, failures, hidden_name, reason
