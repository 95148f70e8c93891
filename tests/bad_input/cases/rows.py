"""--row and --python: names, backends, modes and interpreters that are none."""

from collections.abc import Iterator
from pathlib import Path

from bad_input.case import Case, Source, link, timing

KIND = "rows"


def script(text: str) -> Source:
    """A file that can be executed."""

    def make(path: Path) -> None:
        path.write_text(text)
        path.chmod(0o755)

    return make


ROWS = {
    "nothing": "",
    "a name alone": "name",
    "no name": "=torch",
    "no backend": "name=",
    "an unknown backend": "name=jax",
    "a near miss of a backend": "name=tourch",
    "a backend in capitals": "name=Torch",
    "no mode behind the colon": "name=torch:",
    "an unknown mode": "name=torch:warp",
    "a mode of the other backend": "name=torch:graph",
    "two modes": "name=torch:eager:lean",
    "no interpreter behind the @": "name=torch@",
    "an interpreter that is not there": "name=torch@/missing/python",
    "an interpreter that is a folder": "name=torch@.",
    "an interpreter that is a picture": "name=torch@content.png",
    "an interpreter that is a device": "name=torch@/dev/null",
    "an interpreter of control characters": "name=torch@\x1b[31m",
    "two equal signs": "a=b=torch",
    "a control character in the name": "\x1b[31mname=torch",
    "a line's end in the name": "na\nme=torch:warp",
    "an empty mode and interpreter": "name=torch:@",
    "a blank": " ",
    "a name of blanks": "  =torch",
    "5000 characters": "n" * 5000,
    "a surrogate": "\udcff=jax",
}
PYTHONS = {
    "nothing": "",
    "no backend": "=/usr/bin/python3",
    "no interpreter": "torch=",
    "no equal sign": "torch",
    "an unknown backend": "jax=/usr/bin/python3",
    "a missing interpreter": "torch=/missing/python",
    "a folder": "torch=/tmp",
    "a picture": "torch=content.png",
    "/dev/null": "torch=/dev/null",
    "/dev/zero": "torch=/dev/zero",
    "a name that is on no path": "torch=no-such-python",
    "true, which prints nothing": "torch=/bin/true",
    "false, which fails": "torch=/bin/false",
    "cat, which reads its arguments": "torch=/bin/cat",
    "echo, which prints its arguments": "torch=/bin/echo",
    "a control character": "torch=\x1b[31m/python",
    "5000 characters": "torch=" + "x" * 5000,
}
PROGRAMS: dict[str, Source] = {
    "a script without its first line": script("print(1)\n"),
    "a script of an interpreter that is missing": script("#!/missing/python\n"),
    "a script that prints escape sequences and fails": script("#!/bin/sh\nprintf '\\033[31mred\\n' >&2\nexit 3\n"),
    "a script that ends by a signal": script("#!/bin/sh\nkill -9 $$\n"),
    "a script that prints 1 MB and fails": script("#!/bin/sh\nhead -c 1000000 /dev/zero | tr '\\0' x >&2\nexit 1\n"),
    "a script that prints bytes that are no text": script("#!/bin/sh\nprintf '\\377\\376\\n'\nexit 0\n"),
    "an empty file": script(""),
    "a link to nothing": link("nothing"),
    "a file that cannot be executed": b"#!/bin/sh\n",
}


def cases() -> Iterator[Case]:
    for words, value in ROWS.items():
        yield timing(KIND, f"--row with {words}", f"--row={value}")
    for words, value in PYTHONS.items():
        yield timing(KIND, f"--python with {words}", f"--python={value}")
    for words, source in PROGRAMS.items():
        yield timing(KIND, f"{words} as --python", "--python=torch=./python", files={"python": source})
        yield timing(
            KIND, f"{words} as the interpreter of --row", "--row=name=torch@./python", files={"python": source}
        )
    yield timing(KIND, "two rows of one name", "--row", "a=torch", "--row", "a=torch:lean")
    yield timing(KIND, "--python twice for a backend", "--python", "torch=/bin/true", "--python", "torch=/bin/false")
    yield timing(KIND, "a row of a backend that --backends leaves out, mistyped", "--row", "a=kears")
