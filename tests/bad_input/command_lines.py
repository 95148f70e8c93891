"""Command lines of random words: options and choices that `--help` names, and bad values of the cases."""

import contextlib
import io
import random
import re
import subprocess
from functools import cache
from pathlib import Path

from bad_input.cases import options as option_cases
from bad_input.judge import NOTES, PROGRAMS
from bad_input.stock import variables

COMMANDS = ("", "check", "export", "selftest", "losses", "gallery", "doctor", "recipes")
WORDS = (
    *(
        "a.png",
        "b.png",
        "1",
        "0",
        "-1",
        "1e9",
        "nan",
        "5%",
        "torch",
        "keras",
        "all",
        "d2l",
        "gatys",
        "relu1_1",
        "--",
        "-",
    ),
    *(
        "32",
        "32x32",
        "recipe",
        "cpu",
        "gpu:9",
        "a=torch:lean",
        "torch=python",
        "os:getcwd",
        "\x1b[31m",
        "\udcff",
        "=",
        "",
    ),
)


@cache
def vocabulary() -> tuple[str, ...]:
    """Every option and choice that the help of a command names, and bad values of the cases."""
    texts = []
    for name in COMMANDS:
        command = [*PROGRAMS["compare"], *filter(None, [name]), "--help"]
        texts.append(subprocess.run(command, capture_output=True, text=True, check=True, env=variables()).stdout)
    flags = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", "\n".join(texts))) - {"--help", "--version", "-h"}
    choices = set(re.findall(r"[a-z0-9_]+(?:-[a-z0-9]+)*", "\n".join(texts)))
    bad = [value for values in option_cases.CHOICES.values() for value in values]
    return tuple(sorted(flags)) * 6 + tuple(sorted(choices)) + WORDS * 4 + tuple(bad) + option_cases.NO_NUMBER


def command_line(chance: random.Random, work: Path) -> list[str]:
    tokens = [chance.choice(vocabulary()) for _ in range(chance.choice((0, 1, 2, 3, 5, 8, 20)))]
    glued = [f"{token}={chance.choice(vocabulary())}" if chance.random() < 0.2 else token for token in tokens]
    return [*([name] if (name := chance.choice(COMMANDS)) else []), *glued]


def parse(argv: list[str]) -> None:
    """A namespace, or exit code 2 and one line that can be printed."""
    from common.cli.main import parse as parse_

    said, code = io.StringIO(), None
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
            parse_(argv)
    except SystemExit as ending:
        code = ending.code
    line = said.getvalue()
    assert code in (None, 2) or is_help(argv), (code, argv, line)
    refuse(code, line)


def refuse(code: int | None, said: str) -> None:
    """Raise what a reader raises where the exit code is 2; what was said has to be one line that can be printed."""
    from common import RosettaError

    if code == 2:
        lines = [line for line in said.splitlines() if not line.startswith(NOTES)]
        assert len(lines) == 1, said
        assert lines[0].isprintable(), said
        raise RosettaError(lines[0])


def is_help(argv: list[str]) -> bool:
    """Whether an abbreviation of --help or --version is among the tokens."""
    return any(token.startswith(("--h", "--v", "-h")) for token in argv)
