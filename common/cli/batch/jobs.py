"""A table of transfers: a CSV file with a line for each, whose columns are the options of the command line."""

import argparse
import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from common.backend import BACKENDS, find_entry
from common.cli.options import OneLineParser
from common.cli.outputs import choose_output, files_written, paths_read
from common.cli.provenance import Files, files_read
from common.cli.requests import optimizer_from, recipe_from, start_from
from common.cli.stylize import parser_for
from common.entry import Entry
from common.errors import RosettaError, did_you_mean, one_line
from common.input_files import ordinary
from common.samples import check_pair, paths
from common.writing import check_written

_PICTURES, _OWN = ("content", "style"), ("backend", "output")
_LEFT_OUT = ("resume", "no-resume", "version", "help")  # the batch decides whether a run goes on
_YES, _NO = ("yes", "true", "1", "x"), ("no", "false", "0", "")


@dataclass(frozen=True)
class Job:
    """One transfer: the line of the table, and the command line that it amounts to, in the table's folder."""

    line: int
    entry: Entry
    words: tuple[str, ...]
    output: str
    options: argparse.Namespace
    defaults: argparse.Namespace
    recipe: str
    files: Files


class _LineParser(OneLineParser):
    def error(self, message: str) -> NoReturn:
        raise RosettaError(message)


def read_jobs(path: Path) -> list[Job]:
    """Every job of a table, read before any is run; raise RosettaError that names the line of what does not fit.

    Paths are relative to the current folder, which is the table's.
    """
    jobs = [_job(path, number, row) for number, row in _rows(path)]
    if not jobs:
        raise RosettaError(f"{path.name!r} has no jobs: write a line for each below the names of the columns")
    read = [it for job in jobs for it in paths_read(job.options)]
    try:
        check_written([file for job in jobs for file in files_written(Path(job.output), job.options)], [path, *read])
    except RosettaError as error:
        raise RosettaError(f"{path.name!r}: {error}") from None
    return jobs


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        text = ordinary(path).read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise RosettaError(f"cannot read the jobs {str(path)!r} ({error}): give a CSV file in UTF-8") from None
    first = text.partition("\n")[0]
    lines = csv.reader(io.StringIO(text), delimiter=";" if ";" in first and "," not in first else ",", strict=True)
    try:
        names = [name.strip().lower().replace("_", "-").replace(" ", "-") for name in next(lines, [])]
        _check_names(path, names)
        for cells in lines:
            if len(cells) > len(names):
                raise RosettaError(f"{path.name!r}, line {lines.line_num}: {len(cells)} cells in {len(names)} columns")
            if any(cell.strip() for cell in cells):
                yield lines.line_num, {name: cell.strip() for name, cell in zip(names, cells, strict=False)}
    except csv.Error as error:
        raise RosettaError(f"{path.name!r}, line {lines.line_num}: no CSV ({error})") from None


def _check_names(path: Path, names: list[str]) -> None:
    options = {name for entry in BACKENDS.values() for name in _flags(_parser(entry))}
    known = sorted({*_PICTURES, *_OWN, *options})
    for name in names:
        if name not in known:
            more = f"{did_you_mean(name, known)}: name content, style, backend, output, or an option such as size"
            raise RosettaError(f"{path.name!r} has a column {name!r}, which is no option{more}")
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise RosettaError(f"{path.name!r} has two columns {twice[0]!r}: give each once")


def _job(path: Path, line: int, row: Mapping[str, str]) -> Job:
    try:
        return _parsed(line, row)
    except RosettaError as error:
        raise RosettaError(f"{path.name!r}, line {line}: {error}") from None


def _parsed(line: int, row: Mapping[str, str]) -> Job:
    entry = find_entry(row.get("backend") or next(iter(BACKENDS)))
    parser = _parser(entry)
    words = [word for name, is_flag in _flags(parser).items() for word in _words(name, row.get(name, ""), is_flag)]
    pictures = ["--", *(row[name] for name in _PICTURES if row.get(name))]
    named = [f"--output={row['output']}"] if row.get("output") else []
    options = parser.parse_args([*words, *named, *pictures])
    check_pair(options.content, options.style)
    files = _files(options)
    recipe = entry.with_optimizer(recipe_from(options), optimizer_from(options))
    output = choose_output(entry, recipe, options, files)
    command = (*words, f"--output={output}", *pictures)
    return Job(line, entry, command, output, options, parser.parse_args([]), recipe.name, files)


def _files(options: argparse.Namespace) -> Files:
    pictures = dict(zip(_PICTURES, paths(options.content, options.style), strict=True))
    try:
        return files_read(**pictures, init=start_from(options))
    except (OSError, ValueError) as error:
        raise RosettaError(f"cannot read a picture ({one_line(error)}): name one that is there") from None


def _words(name: str, value: str, is_flag: bool) -> list[str]:
    if not is_flag:
        return [f"--{name}={value}"] if value else []
    if value.lower() not in (*_YES, *_NO):
        raise RosettaError(f"{value!r} is no value of {name}: use yes or no")
    return [f"--{name}"] if value.lower() in _YES else []


def _parser(entry: Entry) -> argparse.ArgumentParser:
    return parser_for(entry, f"python -m {entry.package}", _LineParser)


def _flags(parser: argparse.ArgumentParser) -> dict[str, bool]:
    """The options that a table may have, and whether each is on or off."""
    found = {}
    for action in parser._actions:
        for name in (it.removeprefix("--") for it in action.option_strings if it.startswith("--")):
            if name not in (*_LEFT_OUT, *_OWN):
                found[name] = action.nargs == 0
    return found
