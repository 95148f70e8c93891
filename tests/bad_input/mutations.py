"""Mutations: of bytes, of JSON, and of the formats whose checksums would hide a change of their content."""

import io
import json
import random
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

Mutation = Callable[[random.Random, bytes], bytes]

EDGES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1)


def flipped(chance: random.Random, content: bytes) -> bytes:
    """One to sixteen bits turned."""
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        if changed:
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def flipped_early(chance: random.Random, content: bytes) -> bytes:
    """The same in the first 200 bytes, where headers are."""
    return flipped(chance, content[:200]) + content[200:]


def part(chance: random.Random, content: bytes, longest: int = 400) -> tuple[int, int]:
    begin = chance.randrange(len(content) + 1)
    return begin, min(len(content), begin + chance.randrange(1, longest))


def truncated(chance: random.Random, content: bytes) -> bytes:
    return content[: part(chance, content)[0]]


def spliced(chance: random.Random, content: bytes) -> bytes:
    """A chunk written over another place."""
    begin, end = part(chance, content)
    place = part(chance, content)[0]
    return content[:place] + content[begin:end] + content[place + end - begin :]


def doubled(chance: random.Random, content: bytes) -> bytes:
    begin, end = part(chance, content)
    return content[:end] + content[begin:end] * chance.choice((1, 2, 50)) + content[end:]


def left_out(chance: random.Random, content: bytes) -> bytes:
    begin, end = part(chance, content)
    return content[:begin] + content[end:]


def inserted(chance: random.Random, content: bytes) -> bytes:
    place = part(chance, content)[0]
    return content[:place] + chance.randbytes(chance.randrange(1, 40)) + content[place:]


def edge(chance: random.Random, content: bytes) -> bytes:
    """A number at the edge of its range, in place of 1, 2, 4 or 8 bytes."""
    size = chance.choice((1, 2, 4, 8))
    value = (chance.choice(EDGES) & (1 << 8 * size) - 1).to_bytes(size, chance.choice(("little", "big")))
    place = chance.randrange(min(len(content), chance.choice((100, 10**9))) + 1)
    return content[:place] + value + content[place + size :]


BYTES: tuple[Mutation, ...] = (
    flipped,
    flipped_early,
    truncated,
    spliced,
    doubled,
    left_out,
    inserted,
    edge,
    edge,
)


def mutated(chance: random.Random, content: bytes) -> bytes:
    """One to three mutations of bytes, one after another."""
    for _ in range(chance.choice((1, 1, 2, 3))):
        content = chance.choice(BYTES)(chance, content)
    return content


# JSON

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 1.5, -0.0, 2**31, 2**63, 10**20, 10**400, 1e308, 1e-320, float("nan"), float("inf")),
    *(
        "",
        "a",
        "\0",
        "\x1b[31m",
        "\ud800",
        "a\nb",
        "../../etc/passwd",
        "/dev/zero",
        "x" * 10_000,
        "relu1_1",
        "9" * 5000,
    ),
    *([], [[]], [None], {}, {"": 0}, {"a": {}}, [0] * 1000),
)


def places(value: Any, before: tuple = ()) -> list[tuple]:
    """The path to every value within a value, and to itself."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [before, *(path for key, child in children for path in places(child, (*before, key)))]


def within(document: Any, path: tuple) -> Any:
    for key in path:
        document = document[key]
    return document


def deep(chance: random.Random) -> Any:
    made: Any = 1
    for _ in range(chance.choice((3, 50, 300))):
        made = [made] if chance.random() < 0.5 else {"a": made}
    return made


def changed_value(chance: random.Random, document: Any, path: tuple) -> Any:
    """What stands at a path, by another value, another part of the document, or something deep."""
    kind = chance.randrange(10)
    if kind < 6:
        return chance.choice(VALUES)
    if kind < 8:
        return json.loads(json.dumps(within(document, chance.choice(places(document)))))
    if kind == 8 and isinstance(value := within(document, path), int | float):
        return chance.choice((-value, value * 2, value + 1, str(value)))
    return deep(chance)


def json_mutated(chance: random.Random, document: Any) -> Any:
    """One to three changes of a document: values by others, keys left out, added or renamed."""
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        path = chance.choice(places(document))
        if not path:
            continue
        inner = within(document, path[:-1])
        kind = chance.randrange(10)
        if kind < 7:
            inner[path[-1]] = changed_value(chance, document, path)
        elif kind == 7:
            del inner[path[-1]]
        elif isinstance(inner, dict):
            inner[chance.choice(("", "a", "schema", "__proto__", "\x1b[31m", str(path[-1]) + "x"))] = inner[path[-1]]
        else:
            inner.append(inner[path[-1]])
    return document


def json_text(chance: random.Random, content: bytes) -> bytes:
    """A JSON file with changes of its structure, or, once in four, of its bytes or with a key that stands twice."""
    kind = chance.randrange(8)
    if kind == 0:
        return mutated(chance, content)
    text = json.dumps(json_mutated(chance, json.loads(content)), indent=chance.choice((None, 1))).encode()
    if kind == 1 and text.count(b",") > 2:
        parts = text.split(b",")
        place = chance.randrange(1, len(parts))
        return b",".join([*parts[:place], parts[place], *parts[place:]])
    return text


# Formats


def png_chunks(chance: random.Random, content: bytes) -> bytes:
    """A PNG of which one chunk was mutated, with the checksum that belongs to it."""
    chunks, place = [], 8
    while place + 12 <= len(content):
        (length,) = struct.unpack(">I", content[place : place + 4])
        chunks.append((content[place + 4 : place + 8], content[place + 8 : place + 8 + length]))
        place += 12 + length
    number = chance.randrange(len(chunks))
    name, inner = chunks[number]
    if name == b"IDAT" and chance.random() < 0.5:
        inner = zlib.compress(mutated(chance, zlib.decompress(inner)))
    else:
        inner = mutated(chance, inner)
    chunks[number] = (name, inner)
    if chance.random() < 0.2:
        chunks.insert(chance.randrange(len(chunks)), chance.choice(chunks))
    packed = (struct.pack(">I", len(c)) + n + c + struct.pack(">I", zlib.crc32(n + c)) for n, c in chunks)
    return content[:8] + b"".join(packed)


def zip_entries(chance: random.Random, content: bytes) -> bytes:
    """A ZIP of which one entry was mutated, renamed or left out, with the checksum that belongs to it."""
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        entries = [(name, file.read(name)) for name in file.namelist()]
    number = chance.randrange(len(entries))
    name, inner = entries.pop(number)
    kind = chance.randrange(8)
    if kind == 0:
        name = chance.choice((" ", "a", name.upper(), "../" + name, name + "x", "\x1b[31m.npy"))
    if kind != 1:
        entries.insert(number, (name, inner if kind == 0 else mutated(chance, inner)))
    made = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(made, "w") as file:
        for entry_name, entry in entries * (2 if kind == 2 else 1):
            file.writestr(entry_name, entry)
    return made.getvalue()


def safetensors_header(chance: random.Random, content: bytes) -> bytes:
    """A .safetensors file with changes of its header, and of the state's JSON in it where there is one."""
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    metadata = header.get("__metadata__") if isinstance(header, dict) else None
    state = metadata.get("state") if isinstance(metadata, dict) else None
    if isinstance(state, str) and chance.random() < 0.7:
        metadata["state"] = json_text(chance, state.encode()).decode(errors="replace")
        text = json.dumps(header).encode()
    else:
        text = json_text(chance, content[8:end])
    return len(text).to_bytes(8, "little") + text + content[end:]
