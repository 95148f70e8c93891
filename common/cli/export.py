"""`compare.py export`: the reference's tensors in a folder, for a port that is written elsewhere."""

import argparse
from pathlib import Path

from common.cli.check import case_from
from common.doctor import MANIFEST, TENSORS, check_bundle_folder, write_bundle


def run(options: argparse.Namespace) -> int:
    """Write the bundle of the case that the options describe, unless the folder holds other files."""
    folder = Path(options.folder)
    check_bundle_folder(folder)
    write_bundle(case_from(options), folder)
    size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
    print(f"{folder}/{TENSORS} and {MANIFEST}, {size:.1f} MB with the pictures")
    print(f"compare a port by `python compare.py check THEIRS --against {folder}`")
    return 0
