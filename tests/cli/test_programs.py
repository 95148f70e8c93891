"""The programs as they are started: their names, their version, and a Ctrl-C before they have begun."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from pkgutil import resolve_name

import pytest

from common.backend import BACKENDS
from common.cli import main as command_line
from common.cli import stylize
from common.cli.main import COMMANDS, main, style_rosetta
from common.entry import installed_version

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# What pip writes for a console script.
SCRIPT = "import sys; from {} import {} as run; sys.exit(run())".format(*PROJECT["scripts"]["style-rosetta"].split(":"))
PROGRAMS = {
    "compare.py": ["compare.py"],
    **{entry.package: ["-m", entry.package] for entry in BACKENDS.values()},
    "style-rosetta": ["-c", SCRIPT],
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_ctrl_c_while_the_program_is_imported_ends_it_without_a_traceback(program, tmp_path):
    """NumPy, whose import turns an interrupt into an ImportError of many lines, is played by a module that does so."""
    (tmp_path / "numpy.py").write_text(
        "import os, signal, time\ntry:\n    os.kill(os.getpid(), signal.SIGINT)\n    time.sleep(9)\n"
        "except KeyboardInterrupt:\n    raise ImportError('many lines') from None\n"
    )
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    process = subprocess.run(
        [sys.executable, *PROGRAMS[program]],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (process.returncode, process.stdout, process.stderr) == (130, "", "")


def ending_of(run):
    with pytest.raises(SystemExit) as ended:
        run()
    return ended.value.code


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)], ids=" ".join)
@pytest.mark.parametrize("program", [main, style_rosetta])
def test_every_command_says_its_version(program, command, capsys):
    assert ending_of(lambda: program([*command, "--version"])) == 0
    assert capsys.readouterr().out == f"style-rosetta {installed_version('style-rosetta')}\n"


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_transfer_says_its_version(backend, capsys):
    assert ending_of(lambda: stylize.main(backend, ["--version"])) == 0
    assert capsys.readouterr().out == f"style-rosetta {installed_version('style-rosetta')}\n"


def test_the_console_script_is_there():
    assert callable(resolve_name(PROJECT["scripts"]["style-rosetta"]))


@pytest.fixture
def run_script(monkeypatch):
    """The console script in this process, which a transfer does not end."""

    def leave(code):
        raise SystemExit(code)

    monkeypatch.setattr(command_line, "leave", leave)
    return style_rosetta


def test_the_console_script_has_the_commands_of_compare_py_under_its_own_name(run_script, capsys):
    assert run_script(["recipes"]) == 0
    assert "gatys: " in capsys.readouterr().out
    assert ending_of(lambda: run_script(["--help"])) == 0
    told = capsys.readouterr().out
    assert "style-rosetta check THEIRS" in told
    assert "compare.py" not in told
    assert run_script(["check"]) == 2
    assert capsys.readouterr().err.startswith("style-rosetta: name a file of tensors")


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_console_script_makes_pictures_by_the_name_of_a_backend(run_script, backend, tmp_path, capsys):
    output = str(tmp_path / "out.png")
    assert ending_of(lambda: run_script([backend, "none.png", "none.png", "-o", output])) == 2
    assert capsys.readouterr().err.startswith(f"style-rosetta {backend}: there is no picture 'none.png'")


@pytest.mark.parametrize(
    ("program", "arguments", "meant"),
    [
        (main, ["--thorugh"], "--thorough"),
        (main, ["check", "--allow-unkown"], "--allow-unknown"),
        (main, ["--modes", "egaer"], "eager"),
        (main, ["--precisions", "flaot64"], "float64"),
        (main, ["--backends", "pytorch"], "torch"),
        (main, ["doctor", "tensorflow"], "keras"),
        (main, ["--row", "mine=keras:grahp"], "graph"),
        (main, ["gallery", "--recipes", "GATYS"], "gatys"),
        (main, ["gallery", "--precision", "flaot64"], "float64"),
        (main, ["--weights", "torchvison"], "torchvision"),
        (main, ["--style-taps", "relu1-1"], "relu1_1"),
        *(
            (lambda argv, name=name: stylize.main(name, argv), ["-o", "o.png", "--mode", "egaer"], "eager")
            for name in BACKENDS
        ),
        *(
            (lambda argv, name=name: stylize.main(name, argv), ["-o", "o.png", "--stesp=5"], "--steps")
            for name in BACKENDS
        ),
    ],
)
def test_what_was_meant_is_said(program, arguments, meant, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    try:
        code = program(arguments)
    except SystemExit as ended:
        code = ended.code
    assert code == 2
    assert f" (did you mean {meant}?)" in capsys.readouterr().err
