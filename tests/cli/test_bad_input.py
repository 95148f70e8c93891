"""What cannot be used ends every command at once, with exit code 2 and one line that a terminal cannot obey.

No framework is imported: all of this is found before.
"""

import json
import os
import signal
import socket
import zipfile

import pytest
from PIL import Image as Pillow

from common.cli import stylize
from common.cli.main import COMMANDS, main, style_rosetta

CONTROLS = "ev\x1b[31mil\r\x07\x9b\n"
MARKUP = "[red]x[bold]"
LONG, DIGITS = "x" * 300, "9" * 5000
NO_UTF8 = os.fsdecode(b"bad\xff")
ODD_NAMES = {"controls": CONTROLS, "markup": MARKUP, "long": LONG, "no UTF-8": NO_UTF8, "digits": DIGITS}
SPECIAL = ("pipe", "device", "socket", "folder", "link to a pipe", "loop", "gone")


@pytest.fixture(autouse=True)
def in_time():
    """A test that waits for a pipe fails."""

    def late(*_):
        raise AssertionError("it hangs")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with two good pictures, and what is not an ordinary file under names of every kind."""
    folder = tmp_path_factory.mktemp("files")
    for name, shade in (("a.png", "teal"), ("b.png", "tan")):
        Pillow.new("RGB", (40, 36), shade).save(folder / name)
    Pillow.new("RGB", (15, 15), "teal").save(folder / "tiny.png")
    for ending in ("png", "npz", "h5", "pth", "safetensors", "json"):
        os.mkfifo(folder / f"pipe.{ending}")
        (folder / f"link to a pipe.{ending}").symlink_to(f"pipe.{ending}")
        (folder / f"device.{ending}").symlink_to("/dev/zero")
        (folder / f"loop.{ending}").symlink_to(f"loop.{ending}")
        (folder / f"folder.{ending}").mkdir()
    (folder / "pipes").mkdir()
    os.mkfifo(folder / "pipes" / "loss--total.npy")
    return folder


@pytest.fixture(autouse=True)
def here(files, monkeypatch):
    """Names are short and relative, which sockets need too."""
    monkeypatch.chdir(files)
    for ending in ("png", "npz", "h5", "pth", "safetensors", "json"):
        if not os.path.lexists(f"socket.{ending}"):
            with socket.socket(socket.AF_UNIX) as bound:
                bound.bind(f"socket.{ending}")


def compare(*arguments):
    return lambda: main([*arguments, "--weights", "random"])


def torch(*arguments):
    return lambda: stylize.main("torch", ["a.png", "b.png", "-o", "out.png", "--weights", "random", *arguments])


READ_AS = {
    "content": lambda name: compare(f"{name}.png", "b.png"),
    "style": lambda name: compare("gallery", "a.png", f"{name}.png"),
    "init": lambda name: torch("--init", f"{name}.png"),
    "image of losses": lambda name: compare("losses", "a.png", "b.png", f"{name}.png"),
    "finished picture": lambda name: compare("check", "--picture", f"{name}.png", "a.png", "b.png"),
    "picture of a bundle": lambda name: compare("export", "new", "--content", f"{name}.png"),
    "npz": lambda name: compare("check", f"{name}.npz"),
    "safetensors": lambda name: compare("check", f"{name}.safetensors"),
    "h5": lambda name: torch("--weights", f"{name}.h5"),
    "pth": lambda name: torch("--weights", f"{name}.pth"),
    "baseline": lambda name: compare("a.png", "b.png", "--baseline", f"{name}.json"),
}
PROGRAM = r"(compare\.py|python -m torch_impl)"


@pytest.mark.parametrize("kind", SPECIAL)
@pytest.mark.parametrize("role", READ_AS)
def test_what_is_no_ordinary_file_is_refused_wherever_a_file_is_read(role, kind, refused):
    words = {"link to a pipe": "is a pipe", "loop": "symbolic links", "gone": "gone"}.get(kind, f"is a {kind}")
    if (role, kind) in (("npz", "folder"), ("safetensors", "folder")):
        words = "holds no tensors"  # a folder of .npy files is one
    refused(READ_AS[role](kind), words, PROGRAM)


@pytest.mark.parametrize("role", READ_AS)
@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_file_of_an_odd_name_that_is_not_there_is_one_line(role, name, refused):
    refused(READ_AS[role](ODD_NAMES[name]), "", PROGRAM)


def test_a_pipe_in_a_folder_of_tensors_is_refused(refused):
    refused(compare("check", "pipes"), "'pipes/loss--total.npy' is a pipe: give the path of an ordinary file")


@pytest.mark.parametrize("odd", ODD_NAMES)
@pytest.mark.parametrize(
    "option",
    ["--recipe", "--size", "--init", "--style-taps", "--steps", "--seed", "--until-loss", "--device", "-o", "--mode"],
)
def test_an_option_of_an_odd_value_is_one_line(option, odd, refused):
    line = refused(torch(option, ODD_NAMES[odd]), "", PROGRAM)
    assert len(line) < 1500


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--size", "99999"], "from 1 to 16384 pixels a side"),
        (["--size", f"{DIGITS}x5"], "from 1 to 16384 pixels a side"),
        (["--steps", DIGITS], "is not a number of evaluations"),
        (["--rounds", DIGITS], "is not a number from 1 up"),
        (["--seed", "9" * 400], "is not a seed"),
        (["--until-loss", "nan"], "a run cannot end at a loss of nan"),
        (["--until-loss", "1e999"], "a run cannot end at a loss of inf"),
        (["--content-weight", "nan"], "loss weights are finite"),
        (["--device", f"gpu:{DIGITS}"], "is not a device"),
        (["--weights", f"random:{DIGITS}"], "with up to 18 digits"),
        (["--weights", ""], "neither a Keras .h5 nor"),
        (["--recipe", ""], "there is no recipe ''"),
        (["--row", f"{CONTROLS}=torch"], "use letters, and no control characters"),
        (["--baseline", ""], "an empty name is no path"),
    ],
)
def test_what_an_option_may_be_is_said(arguments, words, refused):
    refused(lambda: main(["a.png", "b.png", "--weights", "random", *arguments]), words)


@pytest.mark.parametrize("which", ["content", "style"])
def test_a_picture_that_is_too_small_is_not_helped_by_a_size(which, refused):
    pictures = ["tiny.png", "b.png"] if which == "content" else ["a.png", "tiny.png"]
    words = f"the {which} is 15x15 pixels and these layers need at least 16 a side: the picture itself is too small"
    refused(compare(*pictures, "--size", "48"), words)


@pytest.mark.parametrize(
    ("word", "meant"),
    [("chekc", "check"), ("exprot", "export"), ("recipe", "recipes"), ("LOSSES", "losses"), ("galery", "gallery")],
)
def test_a_command_that_is_misspelt_is_proposed(word, meant, refused):
    assert meant in COMMANDS
    refused(lambda: main([word]), f"there is no command {word!r} (did you mean {meant}?)")


def test_a_backend_that_is_misspelt_is_proposed_by_the_console_script(refused):
    words = "there is no command 'torhc' (did you mean torch?)"
    refused(lambda: style_rosetta(["torhc", "a.png", "b.png"]), words, "style-rosetta")


@pytest.mark.parametrize("arguments", [["holiday", "b.png"], ["chekc.png", "b.png"], ["./chekc", "b.png"]])
def test_what_is_like_no_command_is_a_picture(arguments, refused):
    refused(compare(*arguments), f"there is no picture {arguments[0]!r}")


def npy(header, data=b""):
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


def says(shape, kind="<f4"):
    return f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"


ARCHIVES = {
    "says too much": (npy(says((2**40,))), "it is damaged, or too large"),
    "says more than there is": (npy(says((1000,))), "EOF"),
    "says more than there can be": (npy(says((10**30,))), "cannot read the tensors"),
    "a negative side": (npy(says((-5,))), "cannot read the tensors"),
    "no array": (b"hello", "magic string"),
    "an open parenthesis": (npy("("), "cannot read the tensors"),
    "objects": (npy(says((1,), "|O"), b"cos\nsystem\n"), "Object arrays cannot be loaded"),
    "complex numbers": (npy(says((), "<c8"), bytes(8)), "is of type complex64: give real numbers"),
    "no finite number of bytes": (npy(says((2**33, 2**33))), "cannot read the tensors"),
}


@pytest.mark.parametrize("kind", ARCHIVES)
def test_an_archive_that_lies_is_damaged(kind, refused):
    member, words = ARCHIVES[kind]
    with zipfile.ZipFile("lying.npz", "w") as archive:
        archive.writestr("loss/total.npy", member)
    refused(compare("check", "lying.npz"), words)


@pytest.mark.parametrize("name", [CONTROLS, MARKUP, "y" * 5000, "a\0b"])
def test_the_names_of_tensors_are_shown_and_not_obeyed(name, refused):
    with zipfile.ZipFile("named.npz", "w") as archive:
        archive.writestr(f"{name}.npy", npy(says((1,)), bytes(4)))
    line = refused(compare("check", "named.npz"), "no tensor of the recipe has the name")
    assert len(line) < 1500


def test_a_tensor_that_stands_twice_is_refused(refused):
    one = npy(says((), "<f8"), bytes(8))
    with zipfile.ZipFile("twice.npz", "w") as archive:
        archive.writestr("loss/total.npy", one)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("loss/total.npy", one)
    refused(compare("check", "twice.npz"), "'loss/total' stands twice in 'twice.npz'")


def written(path, header, data=b""):
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


@pytest.mark.parametrize("kind", ["BF16", "F8_E4M3", "C64"])
def test_numbers_that_numpy_does_not_have_are_named(files, kind, refused):
    width = {"BF16": 2, "F8_E4M3": 1, "C64": 8}[kind]
    header = {CONTROLS: {"dtype": kind, "shape": [1], "data_offsets": [0, width]}}
    written(files / "other.safetensors", header, bytes(width))
    refused(compare("check", "other.safetensors"), "which NumPy cannot read: save it as float32")


PORTS = {
    "import no_such_module_at_all": "ModuleNotFoundError: No module named 'no_such_module_at_all')",
    "raise ImportError(\"'alpha' needs 'beta'\")": "ImportError: 'alpha' needs 'beta')",
    "{}['key']": "KeyError: key)",
    "{}[1]": "KeyError: 1)",
    "raise ValueError()": "ValueError)",
    "raise ValueError('\\x1b[31mred\\nand more')": "ValueError: \\x1b[31mred)",
    "def f(:": "SyntaxError",
    "raise SystemExit('bye')": "SystemExit: bye)",
}


GIVEN = {
    "{'loss/total': object()}": "'loss/total', which the port gave, is of type object: give real numbers",
    "{'loss/total': 'three'}": "is of type <U5: give real numbers",
    "{'loss/total': 1j}": "is of type complex128: give real numbers",
    "(None, None)": "is of type object: give real numbers",
    "{'loss/total': [[1], [2, 3]]}": "ValueError: setting an array element",
    "next(iter(()))": "StopIteration",
    "{'\\x1b[31m\\n': 1.0}": "no tensor of the recipe has the name",
    "{}": "there is no tensor",
}


@pytest.mark.parametrize("number", range(len(GIVEN)))
def test_a_port_that_gives_no_real_numbers_is_told(files, number, refused):
    value, words = list(GIVEN.items())[number]
    (files / f"giving{number}.py").write_text(f"def port(*_):\n    return {value}\n")
    line = refused(compare("check", "--port", f"giving{number}:port"), words)
    assert "StopIteration: StopIteration" not in line


@pytest.mark.parametrize("number", range(len(PORTS)))
def test_a_port_whose_import_fails_inside_says_why(files, number, refused):
    code, words = list(PORTS.items())[number]
    (files / f"failing{number}.py").write_text(code + "\n")
    refused(compare("check", "--port", f"failing{number}:port"), words)


@pytest.mark.parametrize(
    "name", ["", ":", "a:", ":b", "no_such:x", "..:x", f"{CONTROLS}:x", f"{LONG}:x", f"json:{CONTROLS}"]
)
def test_what_names_no_port_is_one_line(name, refused):
    refused(compare("check", "--port", name), "")


def test_a_folder_of_other_files_is_named_without_their_control_characters(tmp_path, refused):
    (tmp_path / CONTROLS).write_text("precious")
    line = refused(compare("export", str(tmp_path)), "holds other files")
    assert r"ev\x1b[31mil\r\x07\x9b\n" in line


def test_a_manifest_that_is_a_pipe_does_not_stop_an_export(tmp_path, refused):
    os.mkfifo(tmp_path / "manifest.json")
    refused(compare("export", str(tmp_path)), "holds other files (manifest.json)")


@pytest.mark.parametrize("option", ["--json", "--markdown"])
@pytest.mark.parametrize("name", [LONG, "a.png/x", "."])
def test_a_file_that_cannot_be_written_is_one_line(option, name, refused):
    refused(compare("check", "x.npz", option, name), "cannot save")
