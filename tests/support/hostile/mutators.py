"""Changes of a file that make it hostile: each takes a source of chance and the file."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from random import Random
from typing import Any, Final

Mutator = Callable[[Random, bytes], bytes]

NASTY: Final = (
    "''",
    '""',
    "0",
    "-1",
    "1.5",
    "nan",
    "-inf",
    "1e999",
    "9223372036854775807",
    "true",
    "[]",
    "{}",
    "9223372036854775808",
    "-0.0",
    "0x10",
    "0o7",
    "0b1",
    "1_0",
    "[[]]",
    "[{}]",
    "{a = 1}",
    "[1, 'a']",
    "1979-05-27",
    "07:32:00",
    "1979-05-27T07:32:00Z",
    "1979-05-27T07:32:00.999999-07:00",
    "'\\u0000'",
    '"\\u0000"',
    '"\\ud800"',
    '"\\U0010ffff"',
    '"\\x41"',
    "'${HOME}'",
    "'$(id)'",
    "'$breaker'",
    "'../../etc/passwd'",
    "'/dev/zero'",
    "'/proc/self/mem'",
    "'http://[::1'",
    "'\N{RIGHT-TO-LEFT OVERRIDE}'",
    "'(a+)+$'",
    "'*' ",
    "'breaker=*a*a*a*a*a*a*a*b'",
    "'[' ",
    "'team:'",
    "'%s%n'",
    "'{0.__class__}'",
    "'" + "a" * 5000 + "'",
    "'''\n'''",
    '"""\\\n   x"""',
    "[" + "1," * 300 + "]",
    "{ a.b.c = {} }",
)
"""Values, as they stand in a file."""
PIECES: Final = (
    b"\0",
    b"\xff",
    b"\xc3\x28",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\r",
    b"\r\n",
    b"\n",
    b"\t",
    b"\x7f",
    b"\x1b[31m",
    b"[",
    b"]",
    b"[[",
    b"]]",
    b"{",
    b"}",
    b"=",
    b".",
    b",",
    b"#",
    b'"',
    b"'",
    b'"""',
    b"'''",
    b"\\",
    b"\\u",
    b"[breakers.a]\n",
    b"[[breakers]]\n",
    b"[breakers]\n",
    b"wait_time = 1\n",
    b"a.b.c.d = 1\n",
    b'"a]" = 1\n',
    b"\xe2\x80\xa8",
    b"\xc2\x85",
    b"\x0c",
    b"1979-05-27",
    b"nan",
    b"inf",
)


def flip_bits(chance: Random, text: bytes) -> bytes:
    """Change some bits."""
    found = bytearray(text)
    for _ in range(chance.randint(1, 8)):
        if found:
            found[chance.randrange(len(found))] ^= 1 << chance.randrange(8)
    return bytes(found)


def cut(chance: Random, text: bytes) -> bytes:
    """Keep only the beginning, or only the end."""
    at = chance.randint(0, len(text))
    return text[:at] if chance.random() < 0.8 else text[at:]


def insert(chance: Random, text: bytes) -> bytes:
    """Put pieces of TOML and of none in between."""
    for _ in range(chance.randint(1, 4)):
        at = chance.randint(0, len(text))
        text = text[:at] + chance.choice(PIECES) * chance.choice((1, 1, 1, 2, 40)) + text[at:]
    return text


def shuffle_lines(chance: Random, text: bytes) -> bytes:
    """Leave lines out, repeat them, and change their order."""
    lines = text.splitlines(keepends=True)
    for _ in range(chance.randint(1, 6)):
        if lines:
            at = chance.randrange(len(lines))
            lines.insert(chance.randint(0, len(lines)), lines[at])
            del lines[chance.randrange(len(lines))]
    return b"".join(lines)


def replace_values(chance: Random, text: bytes) -> bytes:
    """Give keys values of other types, and of none."""
    lines = text.split(b"\n")
    places = [number for number, line in enumerate(lines) if b"=" in line]
    for at in chance.sample(places, min(len(places), chance.randint(1, 3))):
        value = chance.choice(NASTY).encode("utf-8", "surrogatepass")
        lines[at] = lines[at].split(b"=")[0] + b"= " + value
    return b"\n".join(lines)


def set_keys(chance: Random, text: bytes) -> bytes:
    """Set keys of the models to anything, by whole keys at the end of another file."""
    keys = _keys(chance, text)
    lines = [f"{key} = {chance.choice(NASTY)}" for key in keys]
    return "\n".join(lines).encode("utf-8", "surrogatepass") + b"\n"


def _keys(chance: Random, text: bytes) -> list[str]:
    try:
        data = tomllib.loads(text.decode().removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return [f"key{chance.randint(0, 9)}"]
    return [_path(chance, data) for _ in range(chance.randint(1, 3))]


def _path(chance: Random, data: Any) -> str:
    names = []
    while isinstance(data, dict) and data:
        name = chance.choice(list(data))
        names.append(name if name.replace("_", "a").replace("-", "a").isalnum() else f"'{name}'")
        data = data[name]
        if chance.random() < 0.15:
            break
    return ".".join(names) or "a"


def mix_line_ends(chance: Random, text: bytes) -> bytes:
    """End each line as another system does, or not at all."""
    ends = (b"\n", b"\r\n", b"\r", b"\n\r", b"", b"\0\n", b"\xe2\x80\xa8")
    weights = (8, 4, 1, 1, 1, 1, 1)
    lines = text.split(b"\n")
    return b"".join(line + chance.choices(ends, weights)[0] for line in lines)


def nest(chance: Random, text: bytes) -> bytes:
    """Put something inside itself many times."""
    depth = chance.choice((5, 30, 31, 32, 33, 34, 200, 3000))
    opened, closed = chance.choice(((b"[", b"]"), (b"{a=", b"}"), (b"[{a=[", b"]}]"), (b"a.", b"")))
    if not closed:
        return text + b"\n" + opened * depth + b"a = 1\n"
    return (
        text + b"\nwait_time = " + opened * depth + b"1" + closed * chance.choice((depth, depth, 1))
    )


def repeat(chance: Random, text: bytes) -> bytes:
    """Repeat a part many times."""
    if not text:
        return text
    begin = chance.randrange(len(text))
    part = text[begin : begin + chance.randint(1, 200)]
    return text[:begin] + part * chance.choice((2, 10, 300)) + text[begin:]


def splice(chance: Random, text: bytes) -> bytes:
    """Exchange two parts."""
    if len(text) < 4:
        return text
    a, b, c, d = sorted(chance.randint(0, len(text)) for _ in range(4))
    return text[:a] + text[c:d] + text[b:c] + text[a:b] + text[d:]


def noise(chance: Random, _: bytes) -> bytes:
    """Put chance in the file's place."""
    if chance.random() < 0.5:
        return chance.randbytes(chance.randint(0, 400))
    return b"".join(chance.choice(PIECES) for _ in range(chance.randint(1, 60)))


MUTATORS: Final[tuple[Mutator, ...]] = (
    flip_bits,
    cut,
    insert,
    shuffle_lines,
    replace_values,
    set_keys,
    mix_line_ends,
    nest,
    repeat,
    splice,
    noise,
    replace_values,
    set_keys,
)
"""All of them; those that reach deepest more than once."""
