"""Names of files: control characters, bytes that are no text, and names that look like something else."""

import os
from collections.abc import Iterator

from bad_input.case import ACCEPTED, EITHER, PICTURES, QUICK, Case, compare, copy, transfer

KIND = "names"
ODD = {
    "a line's end": "a\nb.png",
    "a return": "a\rb.png",
    "an escape sequence that colors": "a\x1b[31mred.png",
    "an escape sequence that sets the window's title": "\x1b]0;title\x07.png",
    "a bell": "\x07.png",
    "a backspace": "abc\b\b\b.png",
    "a tabulator": "a\tb.png",
    "DEL": "a\x7fb.png",
    "a control character above 127": "a\x9b31mb.png",
    "a byte that is no UTF-8": os.fsdecode(b"a\xffb.png"),
    "half a UTF-8 character": os.fsdecode(b"a\xe2\x82.png"),
    "a UTF-8 surrogate": os.fsdecode(b"\xed\xa0\x80.png"),
    "a line separator": "a\u2028b.png",
    "a mark that turns the writing": "a\u202egnp.png",
    "a space before and behind": " a .png ",
    "quotes": "a'b\"c.png",
    "a percent sign": "%s%n%d.png",
    "braces": "{0}{name}.png",
    "square brackets, which rich takes for markup": "[red]a[/red][/].png",
    "a backslash": "a\\nb.png",
    "an emoji": "\U0001f600.png",
    "a dollar": "$HOME.png",
    "a tilde": "~root.png",
    "a web address": "https://example.com/a.png",
    "255 bytes": "a" * 251 + ".png",
}
TOO_LONG = {"256 bytes": "a" * 252 + ".png", "5000 bytes": "a" * 5000, "100000 bytes": "a/" * 50_000}
LIKE_OPTIONS = ("-x.png", "--", "--=.png", "-", "-1", "--size.png", "-\x1b[31m")


def cases() -> Iterator[Case]:
    for words, name in ODD.items():
        yield transfer(KIND, f"{words} in the name of a missing picture", pictures=(f"./{name}", "style.png"))
        yield transfer(
            KIND, f"{words} in the name of a text that is no picture", "--init", f"./{name}", files=made(name, b"text")
        )
        yield compare(
            KIND, f"{words} in the name of tensors that are none", "check", f"./{name}", files=made(name, b"")
        )
    for words, name in list(ODD.items())[::4]:
        yield transfer(
            KIND,
            f"{words} in the name of a good picture",
            pictures=(f"./{name}", "style.png"),
            expects=ACCEPTED,
            files=made(name, copy("content.png")),
        )
    for words, name in list(ODD.items())[1::6]:
        yield transfer(KIND, f"{words} in the name of the output", "-o", name, expects=EITHER, leaves=("*",))
    for words, name in TOO_LONG.items():
        yield transfer(KIND, f"{words} as the name of a picture", pictures=(name, "style.png"))
        yield transfer(KIND, f"{words} as the name of the output", "-o", name + ".png")
        yield compare(KIND, f"{words} as the name of tensors", "check", name)
        yield compare(KIND, f"{words} as the name of a bundle to write", "export", name)
    for name in LIKE_OPTIONS:
        yield transfer(KIND, f"{name!a} as the content", pictures=(name, "style.png"))
        yield compare(KIND, f"{name!a} as the first argument of losses", "losses", name, *PICTURES)
    yield Case(KIND, "three pictures", ("torch", *PICTURES, "content.png", "-o", "out.png", *QUICK))
    yield Case(KIND, "one picture without its style", ("torch", "content.png", "-o", "out.png", *QUICK))
    yield Case(KIND, "an empty name as the style", ("torch", "content.png", "", "-o", "out.png", *QUICK))
    yield Case(KIND, "a picture called check, without ./", ("compare", "check", "style.png"), files=made("check", b""))


def made(name: str, source):
    """A file of that name, unless the name has a folder in it, which stays missing."""
    return {} if "/" in name else {name: source}
