"""Read a key as people write it: its names with dots between them, as in TOML."""

import tomllib
from typing import Any


def parse_key(dotted: str) -> tuple[str, ...]:
    """Return the names of a dotted key; one with a dot in it is quoted, as in TOML."""
    plain = tuple(dotted.split("."))
    if '"' not in dotted and "'" not in dotted:
        return plain
    try:
        table: Any = tomllib.loads(f"{dotted} = 0")
    except tomllib.TOMLDecodeError:
        return plain
    names = []
    while isinstance(table, dict) and len(table) == 1:
        ((name, table),) = table.items()
        names.append(name)
    return tuple(names) if table == 0 else plain
