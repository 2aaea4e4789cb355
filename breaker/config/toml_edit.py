"""Changes single values of a TOML text and leaves all else, comments included, as it stands."""

from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING, cast

import tomlkit

from breakerd.breaker.config.toml_scan import Key, Statement, statements

if TYPE_CHECKING:
    from tomlkit.items import Item


def edit(text: str, changes: Mapping[Key, object]) -> str:
    """`text` with each key of `changes` set to its value, or taken out where that is None.

    Tables that are missing are made.

    Raises:
        ValueError: the text is not TOML, or a key leads through something that is no table.
    """
    for key, value in changes.items():
        text = _insert(text, key, value) or _assign(text, key, value)
    return text


def _insert(text: str, key: Key, value: object) -> str | None:
    """`text` with a new last line in a table that has lines; None where that does not fit.

    tomlkit would put it behind the comments that introduce the next table.
    """
    last: Statement | None = None
    for statement in statements(text):
        if statement.key[: len(key)] == key:
            return None
        if statement.table == key[:-1]:
            last = statement
    if last is None or value is None:
        return None
    line_break = "\r\n" if "\r\n" in text else "\n"
    above = text[last.start : last.end]
    indent = above[: len(above) - len(above.lstrip(" \t"))]
    name = tomlkit.key(key[-1]).as_string()
    line = f"{indent}{name} = {_toml_item(value).as_string()}{line_break}"
    if not above.endswith("\n"):
        line = line_break + line
    return text[: last.end] + line + text[last.end :]


def _assign(text: str, key: Key, value: object) -> str:
    """Only the leaf is assigned: assigning a table would drop the comments in it."""
    document = tomlkit.parse(text)
    table: MutableMapping[str, object] = document
    for depth, part in enumerate(key[:-1]):
        if part not in table:
            if value is None:
                return text
            # [breakers] needs no header of its own above [breakers.NAME].
            table[part] = tomlkit.table(is_super_table=depth < len(key) - 2)
        if not isinstance(table[part], MutableMapping):
            place = ".".join(key[: depth + 1])
            raise ValueError(f"{place} is no table")  # noqa: TRY004 - it is the text that is wrong
        table = cast("MutableMapping[str, object]", table[part])
    if value is None:
        table.pop(key[-1], None)
    else:
        table[key[-1]] = _toml_item(value)
    return document.as_string()


def _toml_item(value: object) -> "Item":
    return tomlkit.item(list(value) if isinstance(value, tuple) else value)
