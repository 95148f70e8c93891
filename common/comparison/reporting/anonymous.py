"""Nothing that is published tells where things lie on somebody's disk: of a path, only the last name stays."""

import re
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

Value = TypeVar("Value")
_ROOT = Path(__file__).resolve().parents[3]
# The folders of a path from the root, before its last name. Web addresses stay.
_FOLDERS = re.compile(r"(?<![\w./])(?<!https:)(?<!http:)/+(?:[^/\s'\"`<>|:;,()\[\]{}]+/+)+")
_BEFORE_A_PATH = {"--python": "=", "--row": "@"}


def anonymous(value: Value, files: Iterable[str | Path] = ()) -> Value:
    """The same texts, alone or inside dataclasses, tuples and mappings, without folders.

    `files` are paths that the texts may name although their folders have spaces and quotes. What UTF-8 cannot carry
    (halves of surrogate pairs, which file names may have) becomes `?`.
    """
    known = _known_folders(files)

    def cleaned(value: Any) -> Any:
        if isinstance(value, str):
            return _FOLDERS.sub("", known.sub("", value.encode("utf-8", "replace").decode("utf-8")))
        if is_dataclass(value) and not isinstance(value, type):
            return replace(value, **{field.name: cleaned(getattr(value, field.name)) for field in fields(value)})
        if isinstance(value, Mapping):
            return {cleaned(key): cleaned(entry) for key, entry in value.items()}
        return tuple(map(cleaned, value)) if isinstance(value, tuple) else value

    result: Value = cleaned(value)
    return result


def anonymous_command(arguments: Sequence[str]) -> list[str]:
    """The arguments of a command line, with the last name of each path; options and the names before a path stay."""
    return [_argument(argument, before) for before, argument in zip(["", *arguments], arguments, strict=False)]


def _argument(argument: str, before: str) -> str:
    option, equals, value = argument.partition("=") if argument.startswith("--") else (before, "", argument)
    name, separator, path = value.partition(_BEFORE_A_PATH[option]) if option in _BEFORE_A_PATH else ("", "", value)
    start = option + equals if argument.startswith("--") else ""
    return f"{start}{name}{separator}{Path(path).name}"


def _known_folders(files: Iterable[str | Path]) -> re.Pattern[str]:
    """The folders that errors of this machine may name, however they are quoted; a longer one before its parents."""
    folders = {Path.home(), Path.cwd(), Path(tempfile.gettempdir()), _ROOT, Path(sys.prefix), Path(sys.base_prefix)}
    folders |= {Path(file).absolute().parent for file in (sys.executable, *files)}
    folders |= {folder.resolve() for folder in folders}
    texts = {form for folder in folders if len(folder.parts) > 1 for form in (str(folder), repr(str(folder))[1:-1])}
    forms = "|".join(re.escape(text) for text in sorted(texts, key=len, reverse=True))
    return re.compile(rf"(?:{forms})(?:/+|(?![\w.-]))")
