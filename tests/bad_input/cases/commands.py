"""The other commands of compare.py: losses, gallery, recipes, doctor, selftest, export, check."""

from collections.abc import Iterator

from bad_input.case import ACCEPTED, CHECKED, PICTURES, Case, compare, copy

KIND = "commands"
LOSSES = ("losses", *PICTURES, "content.png")
SMALL = ("--size", "20x18", "--content", "content.png", "--style", "style.png")

BAD = {
    "losses without pictures": ("losses",),
    "losses of two pictures": ("losses", *PICTURES),
    "losses of four pictures": (*LOSSES, "content.png"),
    "losses of pictures of different sizes without --size": ("losses", "content.png", "style.png", "style.png"),
    "losses with a precision of another command": (*LOSSES, "--precision", "mixed"),
    "losses with a list of precisions": (*LOSSES, "--precision", "float32,float64"),
    "losses with a file for --json": (*LOSSES, "--json=out.json"),
    "losses with --steps": (*LOSSES, "--steps", "3"),
    "losses with a size of 0": (*LOSSES, "--size", "0"),
    "losses with the size recipe": (*LOSSES, "--size", "recipe"),
    "losses with an unknown tap": (*LOSSES, "--style-taps", "relu7_1"),
    "losses with a NaN weight": (*LOSSES, "--tv-weight", "nan"),
    "losses on a GPU that is not there": (*LOSSES, "--device", "gpu:7"),
    "losses at a size too large for any memory": (*LOSSES, "--size", "99999"),
    "gallery of one picture": ("gallery", "content.png"),
    "gallery of no recipes": ("gallery", "--recipes", ""),
    "gallery of an unknown recipe": ("gallery", "--recipes", "d2l,d2m"),
    "gallery with --recipe, of other commands": ("gallery", "--recipe=d2l,x"),
    "gallery of no steps": ("gallery", "--steps", "0"),
    "gallery with a size of letters": ("gallery", "--size", "big"),
    "gallery with a seed of letters": ("gallery", "--seed", "x"),
    "gallery with a negative seed": ("gallery", "--seed", "-1"),
    "gallery with the precision mixed": ("gallery", "--precision", "mixed"),
    "gallery with a pyramid of 0": ("gallery", "--pyramid=0"),
    "gallery with a negative loss's percent": ("gallery", "--until", "-3%"),
    "gallery into a picture": ("gallery", "--report", "content.png"),
    "gallery into a device": ("gallery", "--report", "/dev/null"),
    "recipes with an argument": ("recipes", "d2l"),
    "recipes with an option": ("recipes", "--json"),
    "recipes with an escape sequence": ("recipes", "\x1b[31m"),
    "doctor of an unknown backend": ("doctor", "jax"),
    "doctor of a near miss": ("doctor", "tourch"),
    "doctor of an empty name": ("doctor", ""),
    "doctor of an escape sequence": ("doctor", "\x1b[2J"),
    "doctor of backends with a comma": ("doctor", "torch,keras"),
    "doctor with the precision mixed": ("doctor", "torch", "--precision", "mixed"),
    "doctor with the precision float16": ("doctor", "torch", "--precision", "float16"),
    "doctor with a negative weight": ("doctor", "torch", "--content-weight", "-1"),
    "doctor with a size of 0x0": ("doctor", "torch", "--size", "0x0"),
    "doctor at a size too large for any memory": ("doctor", "torch", "--size", "99999x99999"),
    "doctor with an unknown recipe": ("doctor", "torch", "--recipe", "d3l"),
    "doctor with an unknown tap": ("doctor", "torch", "--content-taps", "relu1_9"),
    "selftest of no repeats": ("selftest", "--repeats", "0"),
    "selftest of -5 repeats": ("selftest", "--repeats", "-5"),
    "selftest of half a repeat": ("selftest", "--repeats", "0.5"),
    "selftest of 5000 digits of repeats": ("selftest", "--repeats", "9" * 5000),
    "selftest of no rounds": ("selftest", "--rounds", "0"),
    "selftest of an unknown backend": ("selftest", "--backends", "numpy"),
    "selftest of an unknown mode": ("selftest", "--modes", "turbo"),
    "selftest of a mode that the backend lacks": ("selftest", "--backends", "torch", "--modes", "xla"),
    "selftest of one picture": ("selftest", "content.png"),
    "selftest of a missing picture": ("selftest", "content.png", "missing.png"),
    "selftest with a report": ("selftest", "--report", "report"),
    "selftest with a size of 0": ("selftest", "--sizes", "0"),
    "selftest with no threads": ("selftest", "--threads", "0"),
    "export without a folder": ("export",),
    "export into two folders": ("export", "a", "b"),
    "export into an empty name": ("export", ""),
    "export with a size of letters": ("export", "made", "--size", "x"),
    "export at a size too large for any memory": ("export", "made", "--size", "99999x99999"),
    "export with an unknown recipe": ("export", "made", "--recipe", "x"),
    "export with infinite weights": ("export", "made", "--style-weight", "inf"),
    "export with a precision": ("export", "made", "--precision", "float32"),
    "export of steps that are counted": ("export", "made", "--with-steps=3"),
    "check of nothing": ("check",),
    "check of two things": ("check", "a.npz", "b.npz"),
    "check of a file and a port": ("check", "content.png", "--port", "os:getcwd"),
    "check of a port and a picture": ("check", "--port", "os:getcwd", "--picture", "content.png", *PICTURES),
    "check of a file and a picture": ("check", "a.npz", "--picture", "content.png", *PICTURES),
    "check of a picture without its two": ("check", "--picture", "content.png"),
    "check of a picture and one": ("check", "--picture", "content.png", "style.png"),
    "check of a picture with --against": ("check", "--picture", "content.png", *PICTURES, "--against", "b"),
    "check of a picture with another content": (
        "check",
        "--picture",
        "content.png",
        *PICTURES,
        "--content",
        "style.png",
    ),
    "check with a negative seed": ("check", "--port", "os:getcwd", "--seed", "-1"),
    "check with a seed of letters": ("check", "--port", "os:getcwd", "--seed", "x"),
    "check with a seed of 5000 digits": ("check", "--port", "os:getcwd", "--seed", "9" * 5000),
    "check with a precision": ("check", "a.npz", "--precision", "float32"),
    "check with an unknown option": ("check", "a.npz", "--agianst", "b"),
    "an empty command": ("",),
    "a command in capitals": ("CHECK", "a.npz"),
    "a command after an option": ("--verbose", "check", "a.npz"),
    "two commands": ("recipes", "doctor"),
    "help of nothing": ("help", "check"),
    "a command of control characters": ("\x1b[31mcheck", "a.npz"),
    "1000 arguments": ("check", *("a.npz",) * 1000),
}
GOOD = {
    "the recipes": ("recipes",),
    "the version": ("--version",),
    "help of check": ("check", "--help"),
    "losses of small pictures": (*LOSSES, "--size", "32", "--weights", "random"),
    "losses as JSON": (*LOSSES, "--size", "32", "--weights", "random", "--json"),
    "export of a small bundle": ("export", "made", *SMALL, "--weights", "random", "--without-weights"),
    "doctor of PyTorch": ("doctor", "torch", *SMALL, "--weights", "random", "--precision", "float64"),
}
CONFLICTS = {
    option: ("check", "pixels.npz", "--against", "bundle", option, value)
    for option, value in {
        "--recipe": "gatys",
        "--content": "content.png",
        "--style": "style.png",
        "--size": "32",
        "--content-weight": "2",
        "--style-taps": "relu1_1",
    }.items()
}


def cases() -> Iterator[Case]:
    for words, command in BAD.items():
        yield compare(KIND, words, *command, late="GPU" in words)
    for words, command in GOOD.items():
        yield compare(KIND, words, *command, expects=ACCEPTED, leaves=("made", "made/*"))
    for option, command in CONFLICTS.items():
        yield compare(KIND, f"check against a bundle, with {option}", *command, files={"bundle": copy("bundle")})
    picture = ("check", "--picture", "content.png", *PICTURES, "--weights", "random")
    yield compare(KIND, "check of a picture that is the content", *picture, expects=CHECKED)
