"""`compare.py batch`: a table of transfers comes in, and their pictures and a page with all of them go out."""

from common.cli.batch.command import run
