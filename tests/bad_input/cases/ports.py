"""--port: modules that are missing, broken or hostile, and ports that return nonsense."""

from collections.abc import Iterator

from bad_input.case import ACCEPTED, CHECKED, EXAMINED, Case, compare
from bad_input.stock import TAPS

KIND = "ports"
SMALL = ("--size", "20x18", "--content", "content.png", "--style", "style.png", "--weights", "random", *TAPS)

NAMES = {
    "nothing": "",
    "a colon": ":",
    "a module alone": "theirs",
    "a module without a name": "theirs:",
    "a name without a module": ":port",
    "two names": "theirs:port:port",
    "a path": "theirs.py:port",
    "a path with folders": "/tmp/theirs.py:port",
    "a relative module": "..theirs:port",
    "a module that is missing": "their:port",
    "a module that is missing in a package": "theirs.deep:port",
    "a name that is missing": "theirs:prot",
    "a number": "theirs:number",
    "a module of the library": "theirs:numpy",
    "a class that wants nothing": "theirs:Nothing",
    "os.system": "os:system",
    "sys.exit": "sys:exit",
    "os._exit by another name": "builtins:exit",
    "a dunder": "theirs:__doc__",
    "a blank": "theirs: port",
    "a dash": "their-s:port",
    "an escape sequence": "\x1b[31m:port",
    "a line's end": "the\nirs:port",
    "a zero's name": "0:0",
    "5000 characters": "x" * 5000 + ":port",
    "a surrogate": "\udcff:port",
    "dots alone": "...:port",
    "a keyword": "import:port",
}
GOOD_MODULE = b"""
import numpy
number = 3
class Nothing: pass
def port(content, style, image): return {'content/resized': content, 'style/resized': style}
"""

MODULES: dict[str, bytes] = {
    "raises": b"raise ValueError('no')",
    "raises words with escape sequences": b"raise ValueError('\\x1b[31mred\\nline\\r')",
    "raises words that are no UTF-8": b"raise ValueError('\\udcff')",
    "raises an exception without words": b"raise KeyError",
    "raises an exception whose words raise": b"class E(Exception):\n def __str__(self): raise ValueError\nraise E",
    "raises BaseException": b"raise BaseException('no')",
    "raises a group": b"raise ExceptionGroup('many', [ValueError('a'), ValueError('b')])",
    "exits": b"import sys; sys.exit(0)",
    "exits with a text": b"raise SystemExit('gone')",
    "exits with 1": b"raise SystemExit(1)",
    "imports what is missing": b"import no_such_module",
    "imports a name that is missing": b"from math import no_such_name",
    "has a syntax error": b"def port(:\n",
    "has a wrong indentation": b"def port(a):\nreturn 1\n",
    "has a zero byte": b"port = 1\0",
    "is no UTF-8": b"port = '\xff'",
    "is empty": b"",
    "recurses without end": b"def f(): f()\nf()",
    "imports itself": b"from theirs import port",
    "is nested too deep": b"port = " + b"(" * 1000 + b")" * 1000,
    "deletes itself from sys.modules": b"import sys; del sys.modules[__name__]",
}

BODIES = {
    "returns None": "return None",
    "returns a text": "return 'text'",
    "returns nothing in a dictionary": "return {}",
    "returns a list": "return [1, 2, 3]",
    "returns a pair of texts": "return 'a', 'b'",
    "returns three values": "return 1.0, image, image",
    "returns a set": "return {1, 2}",
    "returns itself": "return port",
    "returns a generator": "return (x for x in 'ab')",
    "returns texts by name": "return {'pixels': 'text'}",
    "returns None by name": "return {'pixels': None}",
    "returns objects by name": "return {'pixels': numpy.array([object()])}",
    "returns ragged lists": "return {'pixels': [[1], [1, 2]]}",
    "returns names that are no texts": "return {1: image, (2, 3): image}",
    "returns an unknown name": "return {'pixel': image}",
    "returns a name of an escape sequence": "return {'\\x1b[31m': image}",
    "returns a name of 100000 characters": "return {'x' * 100_000: image}",
    "returns 1e12 numbers that take no room": "return {'pixels': numpy.broadcast_to(0.0, (10**6, 10**6))}",
    "returns a dictionary that raises": "class D(dict):\n  def items(self): raise ValueError\n return D(pixels=image)",
    "raises": "raise ValueError('no')",
    "raises words with escape sequences": "raise ValueError('\\x1b[31mred\\nline')",
    "raises after printing": "import sys; sys.stderr.flush(); raise RuntimeError('late')",
    "raises StopIteration": "raise StopIteration",
    "exits": "raise SystemExit(0)",
    "recurses without end": "return port(content, style, image)",
    "asks for 1e15 numbers": "return {'pixels': numpy.zeros(10**15)}",
    "divides by zero": "return 1 / 0",
    "leaves the folder": "import os; os.chdir('/'); return None",
}
OPEN = {
    "returns NaN as the loss": "return float('nan')",
    "returns infinity as the loss and gradient": "return float('inf'), image * numpy.inf",
    "returns an exponent that overflows": "return 10**400",
    "returns a truth value": "return True",
    "returns NaN by name": "return {'pixels': image * numpy.nan}",
    "returns numbers of the wrong shape": "return {'pixels': image[:3]}",
    "returns complex numbers": "return {'pixels': image * 1j}",
    "returns a single number by name": "return {'loss/total': 3}",
    "returns an empty array": "return {'pixels': image[:0]}",
    "writes into the pictures": "image[:] = 0; return {'pixels': image}",
    "returns a masked array": "return {'pixels': numpy.ma.masked_all(image.shape)}",
    "returns a matrix of text numbers": "return {'pixels': image.astype(str)}",
    "returns another each time": "return {'pixels': numpy.random.default_rng().normal(size=image.shape)}",
    "has other global settings of NumPy": "numpy.seterr(all='raise'); return {'pixels': image}",
    "turns warnings into errors": "import warnings; warnings.simplefilter('error'); return {'pixels': image}",
}
SIGNATURES = {
    "takes nothing": b"def port(): return 1.0",
    "takes two": b"def port(content, style): return 1.0",
    "takes keywords alone": b"def port(*, content, style, image): return 1.0",
    "takes a fourth": b"def port(content, style, image, weights): return 1.0",
    "is a coroutine": b"async def port(content, style, image): return 1.0",
    "is a class whose making raises": b"class port:\n def __init__(self, *a): raise ValueError('no')",
    "is no function": b"port = 7",
    "is None": b"port = None",
    "has a layer that is no function": b"def port(c, s, i): return None\nport.layer = 7",
}


def cases() -> Iterator[Case]:
    for words, name in NAMES.items():
        yield port(f"--port with {words}", GOOD_MODULE, name=name)
    for words, source in MODULES.items():
        yield port(f"a module that {words}", source)
    for words, body in {**BODIES, **OPEN}.items():
        source = f"import numpy\ndef port(content, style, image):\n {body}\n".encode()
        yield port(f"a port that {words}", source, expects=EXAMINED if words in OPEN else (2,))
    for words, source in SIGNATURES.items():
        yield port(f"a port that {words}", source)
    yield port("a port that hands over its pictures", GOOD_MODULE, expects=CHECKED)
    yield port("a port with an unknown name that is allowed", UNKNOWN, "--allow-unknown", expects=ACCEPTED)
    yield port("a port whose names are all unknown and allowed", ALL_UNKNOWN, "--allow-unknown")
    yield compare(
        KIND, "a module that is a folder", "check", "--port", "theirs:port", files={"theirs.py": lambda p: p.mkdir()}
    )


UNKNOWN = b"def port(content, style, image): return {'content/resized': content, 'mine': image}"
ALL_UNKNOWN = b"def port(content, style, image): return {'mine': image}"


def port(words: str, source: bytes, *options: str, name: str = "theirs:port", expects: tuple[int, ...] = (2,)) -> Case:
    command = ("check", f"--port={name}", *SMALL, *options)
    return compare(KIND, words, *command, expects=expects, files={"theirs.py": source})
